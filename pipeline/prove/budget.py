"""What trials may cost: an upper bound before each one, a stopping condition from what is left, the sum afterwards."""

from __future__ import annotations

from collections.abc import Callable

from groundloop.aws import offline_endpoint
from pipeline.config import Config
from pipeline.plan.prices import Price, Prices
from pipeline.prove.allotment import Allotment
from pipeline.prove.trial import Trial

#: A trial whose instances would get less than this share of the time that they are meant to have is not run.
MIN_SHARE = 0.5

#: The price of an instance (its type, component); None when it isn't known.
PriceOf = Callable[[str, str], Price | None]


class OverBudgetError(Exception):
    """A trial that the budget has no room for, or whose price isn't known; the text says which."""


def price_lookup(config: Config) -> PriceOf:
    """Return the prices of a configuration's region.

    They come from `costs.hourly_usd`, else from the AWS Pricing API. The offline AWS bills nothing, so there a type
    that the configuration gives no price for costs nothing.
    """
    prices = Prices(config.aws.region, config.costs.hourly_usd)

    def price_of(instance: str, component: str) -> Price | None:
        found = prices.of(instance, component)
        return Price(0.0, "the offline AWS") if found is None and offline_endpoint() else found

    return price_of


class Budget:
    """US dollars for all trials of one run.

    Args:
        limit_usd: how much all of them together may cost.
        price_of: prices of instances.
    """

    def __init__(self, limit_usd: float, price_of: PriceOf) -> None:
        self.limit_usd, self._price_of = limit_usd, price_of
        self.spent_usd = 0.0

    @property
    def left_usd(self) -> float:
        """What is left to spend."""
        return max(0.0, self.limit_usd - self.spent_usd)

    def bound_usd(self, trial: Trial) -> float | None:
        """Return the most that a trial costs with all the time that it is meant to have; None: a price is unknown."""
        try:
            return self._whole(trial).bound_usd
        except OverBudgetError:
            return None

    def allot(self, trial: Trial) -> Allotment:
        """Return a trial's share of what is left: its instances' time is cut until its bound fits.

        Raises:
            OverBudgetError: it would be cut too short to tell anything, or a price isn't known.
        """
        whole = self._whole(trial)
        for_instances = whole.bound_usd - whole.requests_usd
        share = 1.0 if not for_instances else min(1.0, (self.left_usd - whole.requests_usd) / for_instances)
        if whole.requests_usd > self.left_usd or share < MIN_SHARE:
            least = whole.requests_usd + for_instances * MIN_SHARE
            raise OverBudgetError(
                f"over budget: it may cost ${whole.bound_usd:.2f} and needs room for at least ${least:.2f}; "
                f"${self.left_usd:.2f} of ${self.limit_usd:.2f} is left"
            )
        seconds = {use: int(seconds * share) for use, seconds in whole.seconds.items()}
        return Allotment(seconds, whole.hourly_usd, whole.requests_usd)

    def charge(self, allotment: Allotment) -> None:
        """Count what a trial has cost at the most."""
        self.spent_usd += allotment.spent_usd

    def _whole(self, trial: Trial) -> Allotment:
        hourly = {}
        for instance in trial.instances:
            price = self._price_of(instance.instance_type, instance.component)
            if price is None:
                raise OverBudgetError(
                    f"the price of {instance.instance_type} isn't known, so nothing bounds the cost: "
                    f"set costs.hourly_usd.{instance.instance_type}, or allow pricing:GetProducts"
                )
            hourly[instance.use] = price.usd
        seconds = {instance.use: int(instance.minutes * 60) for instance in trial.instances}
        return Allotment(seconds, hourly, 0.0 if offline_endpoint() else trial.requests_usd)
