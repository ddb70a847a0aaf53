"""The objective metric of a training job, read from its log as that grows."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundloop.local.errors import JobError
from groundloop.local.image_stand_ins import ImageStandIn, program_for


def metric_pattern(metric: str, specification: Mapping[str, Any], programs: Mapping[str, ImageStandIn]) -> str | None:
    """Return the regular expression that finds a metric in the logs of an algorithm; None if nothing defines it.

    Args:
        metric: its name.
        specification: AlgorithmSpecification of the training job.
        programs: stand-ins by image.
    """
    try:
        known = dict(program_for(specification.get("TrainingImage", ""), programs).metrics)
    except JobError:
        known = {}
    known.update({item["Name"]: item["Regex"] for item in specification.get("MetricDefinitions") or []})
    return known.get(metric)


class ObjectiveLog:
    """The values of one metric in a log file, in the order of its lines: one for each epoch.

    Args:
        path: the log; it may not exist yet.
        pattern: regular expression with one group, the value.
    """

    def __init__(self, path: Path, pattern: str) -> None:
        self._path, self._pattern, self._read = path, re.compile(pattern), 0

    def read(self, last: bool = False) -> list[float]:
        """Return the values that were added since the last call; `last` also reads a line without an end."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._read)
            added = file.read()
        if not last:
            added = added[: added.rfind(b"\n") + 1]
        self._read += len(added)
        found = [
            _number(hit)
            for line in added.decode("utf-8", "replace").splitlines()
            for hit in self._pattern.findall(line)
            if isinstance(hit, str)
        ]
        return [value for value in found if value is not None]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
