"""All metrics of a source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from statistics import fmean

from groundloop.errors import UserError
from groundloop.labels.agreement import BoxAgreement, PairwiseAgreement, box_agreement, box_alpha, pairwise_agreement
from groundloop.labels.box_groups import WorkerBoxes
from groundloop.labels.consolidation import consolidated
from groundloop.labels.formats.a2i.reader import MAX_DRAWN
from groundloop.labels.records import Box
from groundloop.labels.worker_answers import AnswerFinding, WorkerAnswer
from groundloop.review.insight.changes import changes
from groundloop.review.insight.metrics import QUEUE_METRICS, ScoredAnswer, WorkMetrics, work_metrics
from groundloop.review.insight.sources import AnswerSource, SourceKind

#: The pace that the forecast takes is that of these last days.
PACE = timedelta(days=7)
#: A day farther off than a century is none that anybody plans with.
_MAX_DAYS = 36_500
#: IoU at which alpha also tells how well edges agree.
_STRICT_IOU = 0.75

Labels = Mapping[str, Sequence[Box]]


@dataclass(frozen=True, slots=True)
class Forecast:
    """When the queue will be done.

    Attributes:
        images: that wait for an answer.
        answers: that they wait for.
        hours: of active work on these, at the mean of the labels so far; None without any.
        answers_per_day: labels by calendar time, since the first one of the last seven days.
        end: at that pace; None where nobody labelled in the last seven days, or too little.
    """

    images: int
    answers: int
    hours: float | None
    answers_per_day: float | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Insight:
    """All metrics of a source.

    Attributes:
        source: what was read.
        time_zone: in which days begin.
        not_recorded: the metrics that such a source has no place for.
        total: of all answers.
        workers: by worker, sorted.
        days: by day of submission, sorted; None for answers without a time.
        worker_days: by worker and day.
        pairwise: agreement of each two workers.
        alpha: Krippendorff's, at IoU 0.5; None where it is not defined.
        alpha_75: the same at IoU 0.75.
        rate: cost of an hour.
        forecast: of a queue that is not done; None elsewhere.
        findings: what could not be read or compared.
    """

    source: AnswerSource
    time_zone: str
    not_recorded: tuple[str, ...]
    total: WorkMetrics
    workers: Mapping[str, WorkMetrics]
    days: Mapping[str | None, WorkMetrics]
    worker_days: Mapping[tuple[str, str | None], WorkMetrics]
    pairwise: PairwiseAgreement
    alpha: float | None
    alpha_75: float | None
    rate: float | None
    forecast: Forecast | None
    findings: tuple[AnswerFinding, ...]

    @property
    def hours(self) -> float | None:
        """Return the active hours of all answers, as far as they are known."""
        return hours_of(self.total)

    @property
    def cost(self) -> float | None:
        """Return the cost of these hours; None without a rate."""
        return self.cost_of(self.hours)

    def cost_of(self, hours: float | None) -> float | None:
        """Return the cost of some hours; None without a rate."""
        return None if self.rate is None or hours is None else self.rate * hours


def hours_of(metrics: WorkMetrics) -> float | None:
    """Return the active hours of labels and of other answers, as far as they are known."""
    known = [seconds for seconds in (metrics.active_seconds, metrics.other_seconds) if seconds is not None]
    return as_hours(sum(known)) if known else None


def as_hours(seconds: float | None) -> float | None:
    """Return seconds as hours."""
    return None if seconds is None else seconds / 3600


def insight(
    source: AnswerSource,
    *,
    gold: Labels | None = None,
    rate: float | None = None,
    zone: tzinfo = timezone.utc,
    now: datetime | None = None,
) -> Insight:
    """Compute all metrics of a source.

    Args:
        source: the answers.
        gold: labels that are known to be right, by image.
        rate: cost of an hour of work.
        zone: in which days begin.
        now: from when to forecast; None takes the clock.

    Raises:
        UserError: there are gold labels, and none is of an image with an answer.
    """
    by_image: dict[str, list[WorkerBoxes]] = defaultdict(list)
    for answer in source.labels:
        by_image[answer.image].append(WorkerBoxes(answer.worker, answer.boxes))
    if gold is not None and not by_image.keys() & gold.keys():
        raise UserError(
            f"none of the {len(gold):,} gold labels is of an image with an answer: such as {next(iter(gold), '')}; "
            f"the answers are of images such as {next(iter(by_image), '')}"
        )
    several, findings = _comparable(by_image)
    agreed = {
        image: tuple(one.box for one in result.boxes)
        for image, answers in several.items()
        if (result := consolidated(answers)).agreed
    }
    labels = {id(answer) for answer in source.labels}
    scored = [_scored(answer, id(answer) in labels, agreed, gold or {}, zone) for answer in source.answers]
    is_queue = source.kind is SourceKind.QUEUE

    def metrics(some: Sequence[ScoredAnswer]) -> WorkMetrics:
        return work_metrics(some, is_queue=is_queue, has_gold=gold is not None)

    by_worker, by_day, by_both = _grouped(scored)
    return Insight(
        source=source,
        time_zone=str(zone),
        not_recorded=() if is_queue else (*QUEUE_METRICS, "other_hours", "other_cost", "forecast"),
        total=metrics(scored),
        workers={worker: metrics(by_worker[worker]) for worker in sorted(by_worker)},
        days={day: metrics(by_day[day]) for day in sorted(by_day, key=_day_order)},
        worker_days={
            key: metrics(by_both[key]) for key in sorted(by_both, key=lambda key: (key[0], _day_order(key[1])))
        },
        pairwise=pairwise_agreement(several.values()),
        alpha=box_alpha(several.values()),
        alpha_75=box_alpha(several.values(), _STRICT_IOU),
        rate=rate,
        forecast=_forecast(source, now or datetime.now(timezone.utc), zone),
        findings=(*source.findings, *findings),
    )


def _comparable(
    by_image: Mapping[str, Sequence[WorkerBoxes]],
) -> tuple[dict[str, Sequence[WorkerBoxes]], list[AnswerFinding]]:
    """Return the images that several workers labelled, without those with more boxes than can be compared."""
    several: dict[str, Sequence[WorkerBoxes]] = {}
    findings: list[AnswerFinding] = []
    for image, answers in by_image.items():
        drawn = sum(len(answer.boxes) for answer in answers)
        if len(answers) < 2:
            continue
        if drawn > MAX_DRAWN:
            message = f"{image}: {len(answers)} workers drew {drawn:,} boxes; agreement is computed up to {MAX_DRAWN:,}"
            findings.append(AnswerFinding(image, message))
        else:
            several[image] = answers
    return several, findings


def _scored(answer: WorkerAnswer, counts: bool, agreed: Labels, gold: Labels, zone: tzinfo) -> ScoredAnswer:
    day = answer.submitted.astimezone(zone).date().isoformat() if answer.submitted else None
    if not counts:
        return ScoredAnswer(answer, day, counts)
    shown = answer.shown
    return ScoredAnswer(
        answer,
        day,
        counts,
        None if shown is None else changes(shown, answer.boxes),
        _compared(answer, agreed),
        _compared(answer, gold),
    )


def _compared(answer: WorkerAnswer, labels: Labels) -> BoxAgreement | None:
    if answer.image not in labels:
        return None
    return sum(box_agreement(answer.boxes, labels[answer.image]).values(), BoxAgreement())


def _grouped(
    scored: Sequence[ScoredAnswer],
) -> tuple[
    dict[str, list[ScoredAnswer]],
    dict[str | None, list[ScoredAnswer]],
    dict[tuple[str, str | None], list[ScoredAnswer]],
]:
    by_worker: dict[str, list[ScoredAnswer]] = defaultdict(list)
    by_day: dict[str | None, list[ScoredAnswer]] = defaultdict(list)
    by_both: dict[tuple[str, str | None], list[ScoredAnswer]] = defaultdict(list)
    for one in scored:
        by_worker[one.answer.worker].append(one)
        by_day[one.day].append(one)
        by_both[one.answer.worker, one.day].append(one)
    return by_worker, by_day, by_both


def _day_order(day: str | None) -> str:
    return day or ""


def _forecast(source: AnswerSource, now: datetime, zone: tzinfo) -> Forecast | None:
    if not source.unfinished or not source.missing:
        return None
    seconds = [answer.seconds for answer in source.labels if answer.seconds is not None]
    hours = source.missing * fmean(seconds) / 3600 if seconds else None
    begun = [
        answer.accepted or answer.submitted
        for answer in source.labels
        if answer.submitted and now - PACE <= answer.submitted <= now
    ]
    first = min((time for time in begun if time), default=now)
    if first >= now:
        return Forecast(source.unfinished, source.missing, hours, None, None)
    per_day = len(begun) / ((now - first) / timedelta(days=1))
    days = source.missing / per_day
    end = (now + timedelta(days=days)).astimezone(zone) if days < _MAX_DAYS else None
    return Forecast(source.unfinished, source.missing, hours, per_day, end)
