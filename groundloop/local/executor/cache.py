"""Step caching: a step whose request equals that of an earlier, successful run takes that run's outputs."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from groundloop.local.context import now
from groundloop.spec.caching import compared_arguments
from groundloop.spec.definition import Json


@dataclass(frozen=True)
class CachedRun:
    """A successful run of a step."""

    execution_arn: str
    ended: datetime
    outputs: Json
    metadata: Json


def cache_key(step_type: str, request: Json) -> str:
    """Return a hash that is equal for two requests if the outputs of one can be taken for the other's."""
    compared = compared_arguments(step_type, request)
    return hashlib.sha256(json.dumps(compared, sort_keys=True).encode()).hexdigest()


class StepCache:
    """The successful runs of all pipelines, by pipeline, step name and key."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str, str], CachedRun] = {}
        self._lock = threading.Lock()

    def state(self) -> list[Json]:
        """Return all runs as JSON values and times."""
        with self._lock:
            return [
                {"pipeline": pipeline, "step": step, "key": key, "run": asdict(run)}
                for (pipeline, step, key), run in self._runs.items()
            ]

    def restore(self, state: list[Json]) -> None:
        """Take over what `state` returned."""
        for item in state:
            self.add(item["pipeline"], item["step"], item["key"], CachedRun(**item["run"]))

    def find(self, pipeline: str, step: str, key: str, age: timedelta) -> CachedRun | None:
        """Return the latest run if it is not older than `age`."""
        with self._lock:
            run = self._runs.get((pipeline, step, key))
        return run if run and now() - run.ended <= age else None

    def add(self, pipeline: str, step: str, key: str, run: CachedRun) -> None:
        """Keep a run in place of an older one."""
        with self._lock:
            self._runs[pipeline, step, key] = run
