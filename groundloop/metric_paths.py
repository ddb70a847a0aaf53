"""The metrics in the content of evaluation.json, each with its path; without a package, as the quality gate runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: Parts of evaluation.json that hold numbers which are not metrics of the model.
NO_METRICS = frozenset(
    {"gate", "champion", "label_corrections", "registry", "intervals", "class_thresholds", "confusion", "training"}
)


def metric_paths(evaluation: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], float | None]]:
    """Yield every metric of an evaluation.json with its path; None for one that the data does not define.

    Example:
        >>> list(metric_paths({"map": 0.5, "count": {"mae": 1}, "intervals": {"level": 0.95}}))
        [(('map',), 0.5), (('count', 'mae'), 1)]
    """

    def walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], float | None]]:
        if isinstance(value, Mapping):
            for key, child in value.items():
                yield from walk(child, (*path, key))
        elif value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            yield path, value

    for key, value in evaluation.items():
        if key not in NO_METRICS:
            yield from walk(value, (key,))
