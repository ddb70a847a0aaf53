"""The most that one execution of a pipeline can cost for instances, from its stopping conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from groundloop.spec.retries import JOB_INTERNAL_ERROR
from groundloop.spec.tuning import combinations
from pipeline.plan.expression_text import render
from pipeline.plan.flatten import FlatDefinition, FlatStep
from pipeline.plan.prices import Price

#: SageMaker ends a job without a stopping condition after a day.
_DEFAULT_SECONDS = 24 * 3600
#: MaxAttempts of a retry policy that sets none.
_DEFAULT_ATTEMPTS = 5

GetPrice = Callable[[str, str], Price | None]


@dataclass(frozen=True)
class SearchBounds:
    """What limits the hours of a tuning job's instances: the smaller of both bounds.

    Attributes:
        jobs: maximum number of training jobs; None where the definition does not say.
        parallel_jobs: how many run at the same time.
        job_hours: maximum run time of each job.
        search_hours: maximum run time of the search; None without one.
        hours_by_jobs: of all instances, if every job runs its full time; None where the number of jobs isn't known.
        hours_by_search: of all instances, if the search runs its full time; None without a limit.
    """

    jobs: int | None
    parallel_jobs: int
    job_hours: float
    search_hours: float | None
    hours_by_jobs: float | None
    hours_by_search: float | None

    @property
    def hours(self) -> float | None:
        """The smaller bound."""
        return min((hours for hours in (self.hours_by_jobs, self.hours_by_search) if hours is not None), default=None)


@dataclass(frozen=True)
class CostItem:
    """The instances of one step.

    Attributes:
        component: how the instances are billed: Processing, Training or Batch Transform.
        hours: of all instances and all attempts together; None when nothing limits them.
        attempts: 1 plus the retries after internal errors of a job.
        spot: managed spot training: the on-demand price is the maximum, the usual price is far lower.
        hourly_usd: of one instance; None when the price isn't known.
        price_source: where the price is from.
        usd: the maximum; None when hours or price aren't known.
        search: of a tuning job, the bounds that `hours` come from.
    """

    step: str
    component: str
    instance_type: str
    instance_count: int
    hours: float | None
    attempts: int
    spot: bool
    hourly_usd: float | None
    price_source: str | None
    usd: float | None
    search: SearchBounds | None = None


@dataclass(frozen=True)
class CostEstimate:
    """The instances of one execution in which every step runs and uses all its retries."""

    items: list[CostItem]

    @property
    def usd(self) -> float | None:
        """The sum of the items with limited hours; None when one of them has no price."""
        amounts = [item.usd for item in self.items if item.hours is not None]
        return None if None in amounts else round(math.fsum(amount or 0.0 for amount in amounts), 2)

    def hours(self, *, spot: bool) -> dict[str, float]:
        """Add up the limited hours by instance type."""
        totals: dict[str, float] = {}
        for item in self.items:
            if item.spot is spot and item.hours is not None:
                totals[item.instance_type] = round(totals.get(item.instance_type, 0.0) + item.hours, 2)
        return dict(sorted(totals.items()))

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `--json`; the keys are stable."""
        return {
            "items": [asdict(item) for item in self.items],
            "hours_on_demand": self.hours(spot=False),
            "hours_spot": self.hours(spot=True),
            "unlimited": [item.step for item in self.items if item.hours is None],
            "usd": self.usd,
        }


def estimate_cost(definition: FlatDefinition, get_price: GetPrice) -> CostEstimate:
    """Estimate the cost of one execution of a definition.

    Args:
        definition: the definition of the pipeline.
        get_price: returns the price of an instance type as a component; None when it isn't known.
    """
    items = [_item(step, definition, get_price) for step in definition.steps.values()]
    return CostEstimate([item for item in items if item is not None])


def _item(step: FlatStep, definition: FlatDefinition, get_price: GetPrice) -> CostItem | None:
    arguments = step.arguments
    if step.type == "Processing":
        component, resources = "Processing", arguments.get("ProcessingResources", {}).get("ClusterConfig", {})
    elif step.type == "Training":
        component, resources = "Training", arguments.get("ResourceConfig", {})
    elif step.type == "Tuning":
        # Of several definitions of training jobs nothing is known that bounds them.
        component, resources = "Training", arguments.get("TrainingJobDefinition", {}).get("ResourceConfig", {})
    elif step.type == "Transform":
        component, resources = "Batch Transform", arguments.get("TransformResources", {})
    else:
        return None
    defaults = definition.defaults
    instance_type = render(resources.get("InstanceType"), defaults).text
    instance_count = _integer(resources.get("InstanceCount"), defaults, 1)
    # This failure ends a job that was running: its instances are billed, and those of the retry again.
    attempts = 1 + sum(
        int(policy.get("MaxAttempts", _DEFAULT_ATTEMPTS))
        for policy in step.raw.get("RetryPolicies") or []
        if JOB_INTERNAL_ERROR in policy.get("ExceptionType", [])
    )
    hours, search = None, None
    if step.type == "Tuning":
        search = _search_bounds(arguments, defaults, instance_count)
        hours = None if search.hours is None else round(search.hours * attempts, 2)
    elif component != "Batch Transform":  # CreateTransformJob has no StoppingCondition
        condition = arguments.get("StoppingCondition") or {}
        seconds = _integer(condition.get("MaxRuntimeInSeconds"), defaults, _DEFAULT_SECONDS)
        hours = round(seconds * instance_count * attempts / 3600, 2)
    price = get_price(instance_type, component)
    hourly = price.usd if price else None
    return CostItem(
        step=step.name,
        component=component,
        instance_type=instance_type,
        instance_count=instance_count,
        hours=hours,
        attempts=attempts,
        spot=bool((arguments.get("TrainingJobDefinition") or arguments).get("EnableManagedSpotTraining")),
        hourly_usd=hourly,
        price_source=price.source if price else None,
        usd=round(hourly * hours, 2) if hourly is not None and hours is not None else None,
        search=search,
    )


def _search_bounds(arguments: dict[str, Any], defaults: dict[str, Any], instance_count: int) -> SearchBounds:
    config, job = arguments.get("HyperParameterTuningJobConfig", {}), arguments.get("TrainingJobDefinition", {})
    limits = config.get("ResourceLimits", {})
    jobs = _integer(limits.get("MaxNumberOfTrainingJobs"), defaults, 0)
    if config.get("Strategy") == "Grid":
        jobs = combinations(arguments) or 0
    parallel = _integer(limits.get("MaxParallelTrainingJobs"), defaults, 1)
    condition = job.get("StoppingCondition") or {}
    job_hours = _integer(condition.get("MaxRuntimeInSeconds"), defaults, _DEFAULT_SECONDS) / 3600
    seconds = _integer(limits.get("MaxRuntimeInSeconds"), defaults, 0)
    return SearchBounds(
        jobs=jobs or None,
        parallel_jobs=parallel,
        job_hours=round(job_hours, 2),
        search_hours=round(seconds / 3600, 2) if seconds else None,
        hours_by_jobs=round(jobs * job_hours * instance_count, 2) if jobs else None,
        hours_by_search=round(parallel * seconds / 3600 * instance_count, 2) if seconds else None,
    )


def _integer(value: Any, defaults: dict[str, Any], otherwise: int) -> int:
    """Return a number of the definition, with parameters at their defaults."""
    try:
        return int(render(value, defaults).text) if value is not None else otherwise
    except ValueError:
        return otherwise
