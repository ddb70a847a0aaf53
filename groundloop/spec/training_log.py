"""The log of the built-in Object Detection algorithm: losses, mAP, speed and progress, as its lines state them.

The forms are those of the metric definitions that DescribeTrainingJob returns for a job of the algorithm
(`AlgorithmSpecification.MetricDefinitions`), and of its warning about the number of batches. Epochs count from 0 there.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median
from types import MappingProxyType

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
#: How the warning begins that not as many batches were processed as num_training_samples makes.
BATCH_COUNT_WARNING = "Expected number of batches"
#: Phrases of the lines that `TrainingLog` reads, for a filter of CloudWatch Logs.
LOG_PHRASES = ("#quality_metric", "#throughput_metric", "#progress_metric", BATCH_COUNT_WARNING)

# Each host of a job with several instances writes its own lines.
_HOST = r"host=([^\s,]+), "
_PROGRESS = re.compile(rf"#progress_metric: {_HOST}completed (\S+) %")
_THROUGHPUT = re.compile(rf"#throughput_metric: {_HOST}train throughput=(\S+) records/second")
# A loss may stand in parentheses, as the mAP does.
_QUALITY = re.compile(
    rf"#quality_metric: {_HOST}epoch=([0-9]{{1,9}}),(?: batch=\S+)? "
    r"(train smooth_l1|train cross_entropy|validation mAP) <(?:loss|score)>=\(?([^\s()]+)\)?"
)
_BATCH_COUNT = re.compile(
    BATCH_COUNT_WARNING + r": ([0-9]{1,9}),? did not match the number of batches processed: ([0-9]{1,9})"
)
_NUMBER = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|nan|inf(?:inity)?)", re.IGNORECASE | re.ASCII
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
        throughput: images per second in training, of all instances together.
    """

    epoch: int
    smooth_l1: float | None = None
    cross_entropy: float | None = None
    validation_map: float | None = None
    throughput: float | None = None

    @property
    def number(self) -> int:
        """The number of the epoch from 1, as people count."""
        return self.epoch + 1

    @property
    def loss(self) -> float | None:
        """The loss that the algorithm minimises: the sum of both; None before both are known."""
        if self.smooth_l1 is None or self.cross_entropy is None:
            return None
        return self.smooth_l1 + self.cross_entropy


@dataclass(frozen=True)
class BatchCount:
    """How many batches num_training_samples makes, and how many an epoch had instead."""

    expected: int
    processed: int


class TrainingLog:
    """The metrics in a training job's log; lines may be added as they come, in any order.

    The losses and the mAP of an epoch are the means over the hosts that state them.

    Args:
        lines: the first lines; those of other forms are skipped.

    Example:
        >>> log = TrainingLog(["[INFO] #quality_metric: host=algo-1, epoch=0, validation mAP <score>=(0.25)"])
        >>> log.epochs[0].validation_map
        0.25
    """

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self._values: defaultdict[int, defaultdict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
        self._latest: dict[str, int] = {}
        self._pending: dict[str, float] = {}
        self._percents: dict[str, tuple[float, datetime | None]] = {}
        self._ends: dict[int, datetime] = {}
        #: The first warning about the number of batches; None without one.
        self.batch_count: BatchCount | None = None
        #: When the newest line was written, of whatever form; None where no line has a time.
        self.last_line: datetime | None = None
        for line in lines:
            self.add(line)

    def add(self, line: str, time: datetime | None = None) -> None:
        """Take the metric that a line states; a line of another form changes only the time of the newest line.

        Args:
            line: the line.
            time: when it was written.
        """
        if time is not None:
            self.last_line = time if self.last_line is None else max(self.last_line, time)
        if match := _QUALITY.search(line):
            self._add_quality(*match.groups(), time=time)
        elif match := _THROUGHPUT.search(line):
            self._add_throughput(*match.groups())
        elif match := _PROGRESS.search(line):
            self._add_progress(*match.groups(), time=time)
        elif self.batch_count is None and (match := _BATCH_COUNT.search(line)):
            self.batch_count = BatchCount(int(match[1]), int(match[2]))

    def _add_quality(self, host: str, number: str, name: str, text: str, *, time: datetime | None) -> None:
        value = _number(text)
        if value is None:
            return
        epoch = int(number)
        self._values[epoch][_FIELDS[name]][host] = value
        self._latest[host] = max(epoch, self._latest.get(host, 0))
        if host in self._pending and host not in self._values[epoch]["throughput"]:
            self._values[epoch]["throughput"][host] = self._pending.pop(host)
        if time is not None:
            self._ends[epoch] = max(time, self._ends.get(epoch, time))

    def _add_throughput(self, host: str, text: str) -> None:
        """Take the throughput of the host's newest epoch, or of its next one: the line doesn't name its epoch."""
        value = _number(text)
        if value is None or not math.isfinite(value) or value < 0:
            return
        epoch = self._latest.get(host)
        if epoch is None or host in self._values[epoch]["throughput"]:
            self._pending[host] = value
        else:
            self._values[epoch]["throughput"][host] = value

    def _add_progress(self, host: str, text: str, *, time: datetime | None) -> None:
        value = _number(text)
        if value is None or not 0 <= value <= 100:
            return
        before = self._percents.get(host, (0.0, None))[1]
        if time is None or before is None or time >= before:
            self._percents[host] = (value, time)

    @property
    def epochs(self) -> list[EpochMetrics]:
        """The epochs that have a metric, in order."""
        hosts = len({host for fields in self._values.values() for values in fields.values() for host in values})
        return [
            EpochMetrics(
                epoch,
                smooth_l1=_mean(fields.get("smooth_l1")),
                cross_entropy=_mean(fields.get("cross_entropy")),
                validation_map=_mean(fields.get("validation_map")),
                throughput=_mean(fields.get("throughput"), hosts),
            )
            for epoch, fields in sorted(self._values.items())
        ]

    @property
    def percent(self) -> float | None:
        """Share of all epochs that every host has completed, in per cent; None before the first is."""
        return min((percent for percent, _ in self._percents.values()), default=None)

    @property
    def percent_at(self) -> datetime | None:
        """When `percent` was last stated; None where that isn't known."""
        return max((time for _, time in self._percents.values() if time is not None), default=None)

    @property
    def best_map(self) -> float | None:
        """The highest mAP on the validation split so far; None where no epoch has one."""
        best = best_epoch(self.epochs)
        return None if best is None else best.validation_map

    @property
    def last_epoch_end(self) -> tuple[int, datetime] | None:
        """The newest epoch and when its last metric was written; None where no line has a time."""
        return max(self._ends.items(), default=None)

    @property
    def epoch_seconds(self) -> list[float]:
        """How long the epochs took, as far as the times of the lines show it, in seconds."""
        ends = sorted(self._ends.items())
        return [
            max(0.0, (end - before).total_seconds()) / (epoch - last) for (last, before), (epoch, end) in pairwise(ends)
        ]

    @property
    def median_epoch_seconds(self) -> float | None:
        """The median of `epoch_seconds`; None before two epochs have ended."""
        seconds = self.epoch_seconds
        return median(seconds) if seconds else None


def best_epoch(epochs: Sequence[EpochMetrics]) -> EpochMetrics | None:
    """Return the epoch with the highest mAP, the first of several; None where no epoch has one."""
    scored = [epoch for epoch in epochs if epoch.validation_map is not None and math.isfinite(epoch.validation_map)]
    return max(scored, key=lambda epoch: epoch.validation_map or 0.0, default=None)


def _mean(values: Mapping[str, float] | None, times: int = 1) -> float | None:
    # fmean raises an error for infinities of both signs.
    return sum(values.values()) / len(values) * times if values else None


def _number(text: str) -> float | None:
    """Read a number whose decimal separator may be a comma; None for another text."""
    text = text.rstrip(",;")
    if "," in text and "." in text:
        text = text.replace("," if text.rindex(".") > text.rindex(",") else ".", "")
    text = text.replace(",", ".")
    return float(text) if _NUMBER.fullmatch(text) else None
