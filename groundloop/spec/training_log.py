"""The log of the built-in Object Detection algorithm: losses, mAP and progress, as its lines state them.

The forms are those of the metric definitions that DescribeTrainingJob returns for a job of the algorithm
(`AlgorithmSpecification.MetricDefinitions`). Epochs count from 0 there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

#: Name of each metric of a training job -> regular expression on a line of the log, whose group is the value.
METRIC_DEFINITIONS: Mapping[str, str] = MappingProxyType(
    {
        "train:progress": r"#progress_metric: host=\S+, completed (\S+) %",
        "train:smooth_l1": r"#quality_metric: host=\S+, epoch=\S+, batch=\S+ train smooth_l1 <loss>=(\S+)",
        "train:cross_entropy": r"#quality_metric: host=\S+, epoch=\S+, batch=\S+ train cross_entropy <loss>=(\S+)",
        "train:throughput": r"#throughput_metric: host=\S+, train throughput=(\S+) records/second",
        "validation:mAP": r"#quality_metric: host=\S+, epoch=\S+, validation mAP <score>=\((\S+)\)",
    }
)
#: A phrase of every line that states a loss or the mAP, for a filter of CloudWatch Logs.
QUALITY_METRIC = "#quality_metric"

_PROGRESS = re.compile(METRIC_DEFINITIONS["train:progress"])
# The definitions above in one, with the epoch; a loss may stand in parentheses, as the mAP does.
_QUALITY = re.compile(
    QUALITY_METRIC + r": host=\S+, epoch=(\d+),(?: batch=\S+)? "
    r"(train smooth_l1|train cross_entropy|validation mAP) <(?:loss|score)>=\(?([^\s()]+)\)?"
)
_FIELDS = {"train smooth_l1": "smooth_l1", "train cross_entropy": "cross_entropy", "validation mAP": "validation_map"}


@dataclass(frozen=True)
class EpochMetrics:
    """The metrics of one epoch; None for one that the log doesn't state, or not yet.

    Attributes:
        epoch: number of the epoch, from 0.
        smooth_l1: mean loss of the boxes' coordinates over the train split.
        cross_entropy: mean loss of the classes over the train split.
        validation_map: the algorithm's own mAP on the validation split.
    """

    epoch: int
    smooth_l1: float | None = None
    cross_entropy: float | None = None
    validation_map: float | None = None

    @property
    def loss(self) -> float | None:
        """The loss that the algorithm minimises: the sum of both; None before both are known."""
        if self.smooth_l1 is None or self.cross_entropy is None:
            return None
        return self.smooth_l1 + self.cross_entropy


class TrainingLog:
    """The metrics in a training job's log; lines may be added as they come.

    Args:
        lines: the first lines; those of other forms are skipped.

    Example:
        >>> log = TrainingLog(["[INFO] #quality_metric: host=algo-1, epoch=0, validation mAP <score>=(0.25)"])
        >>> log.epochs
        [EpochMetrics(epoch=0, smooth_l1=None, cross_entropy=None, validation_map=0.25)]
    """

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self._epochs: dict[int, EpochMetrics] = {}
        #: Share of all epochs that is completed, in per cent; None before the first is.
        self.percent: float | None = None
        for line in lines:
            self.add(line)

    def add(self, line: str) -> None:
        """Take the metric that a line states; a line of another form changes nothing."""
        if match := _QUALITY.search(line):
            value = _number(match[3])
            if value is not None:
                epoch = int(match[1])
                metric: dict[str, Any] = {_FIELDS[match[2]]: value}
                self._epochs[epoch] = replace(self._epochs.get(epoch, EpochMetrics(epoch)), **metric)
        elif (match := _PROGRESS.search(line)) and (percent := _number(match[1])) is not None:
            self.percent = percent

    @property
    def epochs(self) -> list[EpochMetrics]:
        """The epochs that have a metric, in order."""
        return [self._epochs[epoch] for epoch in sorted(self._epochs)]

    @property
    def best_map(self) -> float | None:
        """The highest mAP on the validation split so far, whose epoch's weights the algorithm keeps."""
        scores = (epoch.validation_map for epoch in self._epochs.values())
        return max((score for score in scores if score is not None and math.isfinite(score)), default=None)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
