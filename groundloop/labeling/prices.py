"""What a labelling job or human loops cost at most.

Prices: Amazon SageMaker Ground Truth and Amazon A2I, pricing pages, US East (N. Virginia), as of 2025. Both count the
objects that people review in a month.
"""

from __future__ import annotations

from dataclasses import dataclass

PRICES_OF = "2025, US East (N. Virginia)"
#: Objects of a month up to this many, and the price of each in US dollars.
OBJECT_TIERS: tuple[tuple[float, float], ...] = ((50_000, 0.08), (1_000_000, 0.04), (float("inf"), 0.02))
LEFT_OUT = "the workers' time, S3 and requests, and tax"
LEFT_OUT_WITH_AUTO_LABELING = f"{LEFT_OUT}, and the training and inference of automated labelling"


@dataclass(frozen=True, slots=True)
class CostBound:
    """An upper bound.

    Attributes:
        objects: that people look at.
        workers: answers per object.
        service_usd: what AWS charges for the objects.
        answers_usd: what a vendor charges for the answers.
        left_out: what is in neither.
        own_prices: whether the price of an object was given, and not AWS's published one.
    """

    objects: int
    workers: int
    service_usd: float
    answers_usd: float
    left_out: str
    own_prices: bool = False

    @property
    def usd(self) -> float:
        """The sum, US dollars."""
        return self.service_usd + self.answers_usd


def cost_bound(
    objects: int,
    workers: int,
    *,
    object_usd: float | None = None,
    answer_usd: float = 0.0,
    auto_labeling: bool = False,
) -> CostBound:
    """Return what an amount of work costs at most, if it is all of the month's.

    Args:
        objects: images that people look at.
        workers: answers per image.
        object_usd: price of an object; None for the published tiers.
        answer_usd: what a vendor charges for one answer; 0 for a private workteam.
        auto_labeling: whether a model labels a part of them.

    Example:
        >>> round(cost_bound(60_000, 1).usd, 2)
        4400.0
    """
    service = _tiered(objects) if object_usd is None else objects * object_usd
    left_out = LEFT_OUT_WITH_AUTO_LABELING if auto_labeling else LEFT_OUT
    answers = objects * workers * answer_usd
    return CostBound(objects, workers, service, answers, left_out, own_prices=object_usd is not None)


def _tiered(objects: int) -> float:
    total, begin = 0.0, 0.0
    for end, price in OBJECT_TIERS:
        total += max(0.0, min(objects, end) - begin) * price
        begin = end
    return total
