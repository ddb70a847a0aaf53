"""The CloudWatch logs of jobs."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, is_not_found

# Pages to read back from the end of a log: CloudWatch may return empty ones in between.
_MAX_PAGES_BACK = 20
_MAX_EVENTS = 10_000
#: Pause between two looks for new log streams.
_STREAMS_SECONDS = 60.0


@dataclass(frozen=True)
class Event:
    """A log event, which is one line of a job's log.

    Attributes:
        time: when it was written, in UTC.
        stream: name of its log stream without the job's name, which distinguishes the job's instances
            (`algo-1-1763708290`).
        text: the line, without its line feed.
    """

    time: datetime
    stream: str
    text: str


class JobLog:
    """The log of a job over all its log streams; each read continues where the previous one ended.

    Args:
        region: AWS region.
        group: CloudWatch log group, such as `/aws/sagemaker/TrainingJobs`.
        job: name of the job, with which the names of its streams begin.
        logs: a boto3 client of CloudWatch Logs; None for that of the region.
    """

    def __init__(self, region: str, group: str, job: str, logs: Any = None) -> None:
        self._logs = logs or client("logs", region)
        self._group, self._job = group, job
        self._tokens: dict[str, str] = {}
        self._polled: list[str] = []
        self._streams_at = -math.inf
        #: Whether the last `next_page` found the end of every log stream.
        self.at_end = False

    def tail(self, count: int) -> list[Event]:
        """Return the last `count` lines; none if the job has not written any yet."""
        return list(_merged([self._last(stream, count) for stream in self._streams()]))[-count:]

    def next_page(self) -> list[Event]:
        """Return the next lines that one request per log stream brings; none if there is nothing new yet.

        For a poll: the streams are looked up until the job has one, and once a minute after that, since a job that spot
        capacity interrupted goes on in a new one.
        """
        if not self._polled or time.monotonic() - self._streams_at >= _STREAMS_SECONDS:
            self._polled, self._streams_at = self._streams(), time.monotonic()
        before = dict(self._tokens)
        events = list(_merged([self._events(stream, self._page(stream)) for stream in self._polled]))
        self.at_end = all(before.get(stream) == self._tokens[stream] for stream in self._polled)
        return events

    def more(self) -> Iterator[Event]:
        """Yield all lines since the last read, or from the beginning if nothing was read yet."""
        return _merged([list(self._forward(stream)) for stream in self._streams()])

    def contains(self, phrase: str) -> str | None:
        """Return the first line that contains a phrase; None if no line does."""
        return next(self.containing(phrase), None)

    def containing(self, *phrases: str) -> Iterator[str]:
        """Yield the lines that contain one of some phrases (one or more words, without quotes)."""
        streams = self._streams()
        if not streams:
            return
        # A question mark before each term means that one of them is enough.
        pattern = " ".join(f'?"{phrase}"' for phrase in phrases) if len(phrases) > 1 else f'"{phrases[0]}"'
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=self._group, logStreamNames=streams, filterPattern=pattern
        )
        for page in pages:
            yield from (str(event["message"]) for event in page["events"])

    def _streams(self) -> list[str]:
        pages = self._logs.get_paginator("describe_log_streams").paginate(
            logGroupName=self._group, logStreamNamePrefix=f"{self._job}/"
        )
        try:
            return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
        except ClientError as error:
            # The account's first job of a kind creates the log group.
            if is_not_found(error):
                return []
            raise

    def _last(self, stream: str, count: int) -> list[Event]:
        source = {"logGroupName": self._group, "logStreamName": stream}
        page = self._logs.get_log_events(**source, limit=min(count, _MAX_EVENTS), startFromHead=False)
        self._tokens[stream] = page["nextForwardToken"]
        events = self._events(stream, page)
        for _ in range(_MAX_PAGES_BACK):
            token = page["nextBackwardToken"]
            if len(events) >= count:
                break
            page = self._logs.get_log_events(**source, nextToken=token, limit=min(count, _MAX_EVENTS))
            events = self._events(stream, page) + events
            if page["nextBackwardToken"] == token:
                break
        return events

    def _forward(self, stream: str) -> Iterator[Event]:
        while True:
            token = self._tokens.get(stream)
            page = self._page(stream)
            yield from self._events(stream, page)
            if page["nextForwardToken"] == token:
                return

    def _page(self, stream: str) -> dict[str, Any]:
        """Read the page after the last one that was read."""
        token = self._tokens.get(stream)
        page: dict[str, Any] = self._logs.get_log_events(
            logGroupName=self._group,
            logStreamName=stream,
            startFromHead=True,
            **({"nextToken": token} if token else {}),
        )
        self._tokens[stream] = page["nextForwardToken"]
        return page

    def _events(self, stream: str, page: dict[str, Any]) -> list[Event]:
        instance = stream.removeprefix(f"{self._job}/")
        return [
            Event(
                datetime.fromtimestamp(event["timestamp"] / 1000, timezone.utc), instance, event["message"].rstrip("\n")
            )
            for event in page["events"]
        ]


def _merged(streams: list[list[Event]]) -> Iterator[Event]:
    return heapq.merge(*streams, key=lambda event: event.time)
