"""The most that one execution of a pipeline can bill for machines, from its stopping conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from pipeline.plan.expression_text import render
from pipeline.plan.flatten import FlatDefinition, FlatStep
from pipeline.plan.prices import Price

#: A job without a stopping condition is ended by the service after a day.
_DEFAULT_SECONDS = 24 * 3600
#: Of a retry policy that names none.
_DEFAULT_ATTEMPTS = 5
#: Which faults end a job that was running: its machines were billed, and the retry's are billed again.
_BILLED_AGAIN = "SageMaker.JOB_INTERNAL_ERROR"

Ask = Callable[[str, str], Price | None]


@dataclass(frozen=True)
class CostItem:
    """The machines of one step.

    Attributes:
        component: What the machine is billed as: Processing, Training or Batch Transform.
        hours: Of all its machines and all its attempts; None: nothing bounds them.
        attempts: 1 and the retries after internal errors of a job.
        spot: Managed spot: at most the price on demand, as a rule far less.
        hourly_usd: Of one machine; None when the price isn't known.
        usd: At most; None when hours or price aren't known.
    """

    step: str
    component: str
    instance: str
    machines: int
    hours: float | None
    attempts: int
    spot: bool
    hourly_usd: float | None
    price_from: str | None
    usd: float | None


@dataclass(frozen=True)
class CostEstimate:
    """All machines of one execution in which every step runs, and every retry too."""

    items: list[CostItem]

    @property
    def bounded(self) -> bool:
        return all(item.hours is not None for item in self.items)

    @property
    def usd(self) -> float | None:
        """The sum of what has a bound; None when one of those has no price."""
        known = [item.usd for item in self.items if item.hours is not None]
        return None if any(usd is None for usd in known) else round(math.fsum(usd or 0.0 for usd in known), 2)

    def hours(self, *, spot: bool) -> dict[str, float]:
        """Hours by machine type, of what has a bound."""
        found: dict[str, float] = {}
        for item in self.items:
            if item.spot is spot and item.hours is not None:
                found[item.instance] = round(found.get(item.instance, 0.0) + item.hours, 2)
        return dict(sorted(found.items()))

    def as_json(self) -> dict[str, Any]:
        """For ``--json``; these keys stay."""
        return {
            "items": [asdict(item) for item in self.items],
            "hours_on_demand": self.hours(spot=False),
            "hours_spot": self.hours(spot=True),
            "unbounded": [item.step for item in self.items if item.hours is None],
            "usd": self.usd,
        }


def estimate_cost(definition: FlatDefinition, price: Ask) -> CostEstimate:
    """The bill of a definition.

    Args:
        price: The price of a machine (its type, component); None when it isn't known.
    """
    items = [_item(step, definition, price) for step in definition.steps.values()]
    return CostEstimate([item for item in items if item is not None])


def _item(step: FlatStep, definition: FlatDefinition, price: Ask) -> CostItem | None:
    arguments = step.arguments
    if step.type == "Processing":
        component, resources = "Processing", arguments.get("ProcessingResources", {}).get("ClusterConfig", {})
    elif step.type == "Training":
        component, resources = "Training", arguments.get("ResourceConfig", {})
    elif step.type == "Transform":
        component, resources = "Batch Transform", arguments.get("TransformResources", {})
    else:
        return None
    defaults = definition.defaults
    instance = render(resources.get("InstanceType"), defaults).text
    machines = _number(resources.get("InstanceCount"), defaults, 1)
    attempts = 1 + sum(
        int(policy.get("MaxAttempts", _DEFAULT_ATTEMPTS))
        for policy in step.raw.get("RetryPolicies") or []
        if _BILLED_AGAIN in policy.get("ExceptionType", [])
    )
    hours = None
    if component != "Batch Transform":  # CreateTransformJob has no StoppingCondition
        condition = arguments.get("StoppingCondition") or {}
        seconds = _number(condition.get("MaxRuntimeInSeconds"), defaults, _DEFAULT_SECONDS)
        hours = round(seconds * machines * attempts / 3600, 2)
    found = price(instance, component)
    hourly = found.usd if found else None
    return CostItem(
        step=step.name,
        component=component,
        instance=instance,
        machines=machines,
        hours=hours,
        attempts=attempts,
        spot=bool(arguments.get("EnableManagedSpotTraining")),
        hourly_usd=hourly,
        price_from=found.source if found else None,
        usd=round(hourly * hours, 2) if hourly is not None and hours is not None else None,
    )


def _number(value: Any, defaults: dict[str, Any], otherwise: int) -> int:
    """A number, a parameter's default among them."""
    try:
        return int(render(value, defaults).text) if value is not None else otherwise
    except ValueError:
        return otherwise
