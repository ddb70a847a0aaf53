"""The CloudWatch logs of jobs."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, error_code

# Pages that are turned for the end of a log: AWS may give empty ones in between.
_PAGES_BACK = 20
_MOST_EVENTS = 10_000


@dataclass(frozen=True)
class Event:
    """One line of a log; ``stream`` is what tells the job's machines apart (``algo-1-1763708290``)."""

    time: datetime
    stream: str
    text: str


class JobLog:
    """The log of one job, over all its streams; each read goes on where the last one ended.

    Args:
        group: CloudWatch log group, ``/aws/sagemaker/TrainingJobs`` for one.
        job: name of the job, with which its streams' names begin.
    """

    def __init__(self, region: str, group: str, job: str) -> None:
        self._logs = client("logs", region)
        self._group, self._job = group, job
        self._tokens: dict[str, str] = {}

    def tail(self, count: int) -> list[Event]:
        """The last lines; none when the job has not written any yet."""
        return list(_merged([self._last(stream, count) for stream in self._streams()]))[-count:]

    def more(self) -> Iterator[Event]:
        """All lines since the last read, from the beginning when nothing was read."""
        return _merged([list(self._forward(stream)) for stream in self._streams()])

    def contains(self, phrase: str) -> str | None:
        """The first line with a phrase (a word or more, without quotes)."""
        streams = self._streams()
        if not streams:
            return None
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=self._group, logStreamNames=streams, filterPattern=f'"{phrase}"'
        )
        return next((str(event["message"]) for page in pages for event in page["events"]), None)

    def _streams(self) -> list[str]:
        pages = self._logs.get_paginator("describe_log_streams").paginate(
            logGroupName=self._group, logStreamNamePrefix=f"{self._job}/"
        )
        try:
            return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
        except ClientError as error:
            # The group comes into being with the account's first job of the kind.
            if error_code(error) == "ResourceNotFoundException":
                return []
            raise

    def _last(self, stream: str, count: int) -> list[Event]:
        where = {"logGroupName": self._group, "logStreamName": stream}
        page = self._logs.get_log_events(**where, limit=min(count, _MOST_EVENTS), startFromHead=False)
        self._tokens[stream] = page["nextForwardToken"]
        found = self._events(stream, page)
        for _ in range(_PAGES_BACK):
            token = page["nextBackwardToken"]
            if len(found) >= count:
                break
            page = self._logs.get_log_events(**where, nextToken=token, limit=min(count, _MOST_EVENTS))
            found = self._events(stream, page) + found
            if page["nextBackwardToken"] == token:
                break
        return found

    def _forward(self, stream: str) -> Iterator[Event]:
        where = {"logGroupName": self._group, "logStreamName": stream, "startFromHead": True}
        while True:
            token = self._tokens.get(stream)
            page = self._logs.get_log_events(**where, **({"nextToken": token} if token else {}))
            self._tokens[stream] = page["nextForwardToken"]
            yield from self._events(stream, page)
            if page["nextForwardToken"] == token:
                return

    def _events(self, stream: str, page: dict[str, Any]) -> list[Event]:
        short = stream.removeprefix(f"{self._job}/")
        return [
            Event(datetime.fromtimestamp(event["timestamp"] / 1000, timezone.utc), short, event["message"].rstrip("\n"))
            for event in page["events"]
        ]


def _merged(streams: list[list[Event]]) -> Iterator[Event]:
    return heapq.merge(*streams, key=lambda event: event.time)
