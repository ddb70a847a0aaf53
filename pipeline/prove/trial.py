"""Trials: the tests that settle assumptions, with what they make and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipeline.prove.verdict import Assumption, Verdict
from pipeline.prove.workbench import Workbench


@dataclass(frozen=True)
class TrialInstance:
    """An instance that a trial pays for.

    Attributes:
        use: the step or job that it runs.
        instance_type: its type.
        component: what SageMaker bills it as: Processing, Training or Batch Transform.
        minutes: how long it may run when the budget allows it.
    """

    use: str
    instance_type: str
    component: str
    minutes: float


@dataclass(frozen=True)
class Trial:
    """One test in the account, which settles one or several assumptions.

    Attributes:
        creates: what it makes, for the listing; all of it is removed afterwards.
        run: yields a verdict for each assumption. What it leaves out, by an error or otherwise, counts as not tried.
        instances: the instances that it pays for; none: it is free.
        requests_usd: upper bound of what it pays for besides instances, such as requests to a serverless endpoint.
        only_aws: why the offline AWS can't play it; empty when it can.
        by_hand: why `prove` leaves it to a person; empty when it runs it.
    """

    id: str
    assumptions: tuple[Assumption, ...]
    creates: tuple[str, ...]
    run: Callable[[Workbench], Iterator[Verdict]]
    instances: tuple[TrialInstance, ...] = ()
    requests_usd: float = 0.0
    only_aws: str = ""
    by_hand: str = ""

    @property
    def free(self) -> bool:
        """Whether AWS bills nothing for it."""
        return not (self.instances or self.requests_usd or self.by_hand)
