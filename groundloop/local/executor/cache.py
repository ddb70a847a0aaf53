"""Step caching: a step whose request equals that of an earlier, successful run takes that run's outputs."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from groundloop.local.context import now
from groundloop.local.executor.parameters import Json

#: The members that decide, by step type, as AWS documents them ("Caching Pipeline Steps"); other types: all members.
_DECIDING = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
    "Transform": ("DataProcessing", "Environment", "ModelName", "TransformInput", "BatchStrategy", "MaxPayloadInMB"),
}


@dataclass(frozen=True)
class CachedRun:
    """One successful run of a step."""

    execution_arn: str
    ended: datetime
    outputs: Json
    metadata: Json


def cache_key(step_type: str, request: Json) -> str:
    """What two requests have in common when one's outputs can stand for the other's."""
    members = _DECIDING.get(step_type, tuple(request))
    deciding: dict[str, Any] = {member: request[member] for member in members if member in request}
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()


class StepCache:
    """The successful runs of all pipelines, by pipeline, step name and key."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str, str], CachedRun] = {}
        self._lock = threading.Lock()

    def find(self, pipeline: str, step: str, key: str, age: timedelta) -> CachedRun | None:
        """The latest run that is not older than ``age``."""
        with self._lock:
            run = self._runs.get((pipeline, step, key))
        return run if run and now() - run.ended <= age else None

    def add(self, pipeline: str, step: str, key: str, run: CachedRun) -> None:
        """Keep a run; it replaces an older one."""
        with self._lock:
            self._runs[pipeline, step, key] = run
