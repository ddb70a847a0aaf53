"""State of an offline AWS in files, so that the next one continues with it.

The folder gets `state.json` (resources of SageMaker, S3's keys, EventBridge rules) and `objects/<sha256>` (contents of
S3's objects), beside `portal/` (the queues of labelling jobs and human loops, which are files at all times).
`state.json` is replaced at once, so a save that is interrupted leaves the earlier state.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from groundloop.local.api.services import Services
from groundloop.local.context import Context
from groundloop.local.errors import LocalAwsError
from groundloop.local.moto_server import StoredObject, bucket_regions, make_bucket, store_object, stored_objects

#: Increased when an earlier state can't be read any more.
_FORMAT = 1
_TIME = "$time"
_RULE_MEMBERS = ("Name", "EventPattern", "ScheduleExpression", "State", "Description", "RoleArn")


class KeptState:
    """The state in one folder, for one offline AWS at a time.

    Args:
        context: its `home` is the folder.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._folder = context.home
        self._lock: IO[str] | None = None

    @property
    def _file(self) -> Path:
        return self._folder / "state.json"

    def lock(self) -> None:
        """Reserve the folder for this offline AWS.

        Raises:
            LocalAwsError: another one uses it.
        """
        lock = (self._folder / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise LocalAwsError(f"{self._folder} is in use by another offline AWS: choose another folder") from None
        self._lock = lock

    def unlock(self) -> None:
        """Give the folder free."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def restore(self, services: Services) -> None:
        """Continue with the state in the folder; do nothing where there is none.

        Raises:
            LocalAwsError: it can't be read, or is that of another region or account.
        """
        if not self._file.exists():
            return
        state = self._read()
        for name in ("region", "account"):
            mine = getattr(self._context, name)
            if state[name] != mine:
                raise LocalAwsError(
                    f"{self._folder} is kept for {name} {state[name]}, not {mine}: choose another folder"
                )
        try:
            self._restore_s3(state["s3"])
            self._restore_rules(state["rules"])
            services.restore(state["services"])
        except (LookupError, TypeError, ValueError, OSError) as error:
            raise self._unreadable(repr(error)) from error

    def save(self, services: Services) -> None:
        """Write the state of an offline AWS whose executions, jobs and endpoints are stopped."""
        objects = list(self._save_objects())
        state = {
            "format": _FORMAT,
            "region": self._context.region,
            "account": self._context.account,
            "s3": {"buckets": bucket_regions(self._context.account), "objects": objects},
            "rules": list(self._rules()),
            "services": services.state(),
        }
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(state, default=_encoded), encoding="utf-8")
        new.replace(self._file)
        needed = {item["sha256"] for item in objects}
        for path in (self._folder / "objects").iterdir():
            if path.name not in needed:
                path.unlink()

    def _read(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"), object_hook=_decoded)
            written = state["format"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise self._unreadable(str(error)) from error
        if written != _FORMAT:
            raise self._unreadable("another version of groundloop wrote it")
        return state

    def _unreadable(self, reason: str) -> LocalAwsError:
        return LocalAwsError(f"the state in {self._file} can't be read: {reason}; remove the folder to begin anew")

    def _save_objects(self) -> Iterator[dict[str, Any]]:
        folder = self._folder / "objects"
        folder.mkdir(exist_ok=True)
        for item in stored_objects(self._context.account):
            digest = hashlib.sha256(item.body).hexdigest()
            path = folder / digest
            if not path.exists():
                path.write_bytes(item.body)
            yield {
                "bucket": item.bucket,
                "key": item.key,
                "headers": item.headers,
                "modified": item.modified,
                "sha256": digest,
            }

    def _restore_s3(self, state: dict[str, Any]) -> None:
        for bucket, region in state["buckets"].items():
            make_bucket(self._context.account, bucket, region)
        for item in state["objects"]:
            body = (self._folder / "objects" / item.pop("sha256")).read_bytes()
            store_object(self._context.account, StoredObject(body=body, **item))

    def _rules(self) -> Iterator[dict[str, Any]]:
        events = self._context.client("events")
        for page in events.get_paginator("list_rules").paginate():
            for rule in page["Rules"]:
                targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
                yield {"rule": {name: rule[name] for name in _RULE_MEMBERS if rule.get(name)}, "targets": targets}

    def _restore_rules(self, state: list[dict[str, Any]]) -> None:
        events = self._context.client("events")
        for item in state:
            events.put_rule(**item["rule"])
            if item["targets"]:
                events.put_targets(Rule=item["rule"]["Name"], Targets=item["targets"])


def _encoded(value: Any) -> Any:
    if isinstance(value, datetime):
        return {_TIME: value.isoformat()}
    raise TypeError(f"{value!r} is not JSON")


def _decoded(value: dict[str, Any]) -> Any:
    return datetime.fromisoformat(value[_TIME]) if value.keys() == {_TIME} else value
