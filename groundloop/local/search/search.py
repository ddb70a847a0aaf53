"""The search for hyperparameters: an Optuna study that is asked for values and told results."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groundloop.local.search.early_stopping import is_worse_than_median
from groundloop.local.search.ranges import ParameterRange, ranges_of
from groundloop.spec.tuning import combinations, hyperband_max_resource

if TYPE_CHECKING:
    from optuna import Study
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.trial import Trial

#: Hyperband keeps one in so many training jobs at each of its steps.
_REDUCTION = 3
#: Share of a Bayesian search's jobs that are chosen at random, to begin with, and how many at least.
_RANDOM_SHARE, _MIN_RANDOM = 1 / 3, 3


@dataclass(frozen=True)
class SearchPlan:
    """What is searched, and how.

    Attributes:
        strategy: `Random`, `Bayesian`, `Grid` or `Hyperband`.
        ranges: the hyperparameters' ranges.
        jobs: training jobs at most.
        parallel: training jobs at a time.
        maximize: whether more of the objective is better.
        stops_early: whether AWS's median rule stops training jobs (TrainingJobEarlyStoppingType Auto).
        min_resource: epochs before which Hyperband stops no training job.
        max_resource: epochs of a whole training job; None if they are not known, which Hyperband needs.
        seed: RandomSeed; None for another search each time.
    """

    strategy: str
    ranges: tuple[ParameterRange, ...]
    jobs: int
    parallel: int = 1
    maximize: bool = True
    stops_early: bool = False
    min_resource: int = 1
    max_resource: int | None = None
    seed: int | None = None


def plan_of(request: Mapping[str, Any]) -> SearchPlan:
    """Return the plan of a valid CreateHyperParameterTuningJob request."""
    config = request["HyperParameterTuningJobConfig"]
    limits = config["ResourceLimits"]
    hyperband = (config.get("StrategyConfig") or {}).get("HyperbandStrategyConfig") or {}
    return SearchPlan(
        config["Strategy"],
        tuple(ranges_of(request)),
        jobs=limits.get("MaxNumberOfTrainingJobs") or combinations(request) or 1,
        parallel=limits["MaxParallelTrainingJobs"],
        maximize=config["HyperParameterTuningJobObjective"]["Type"] == "Maximize",
        stops_early=config.get("TrainingJobEarlyStoppingType") == "Auto",
        min_resource=hyperband.get("MinResource") or 1,
        max_resource=hyperband_max_resource(request),
        seed=config.get("RandomSeed"),
    )


class Search:
    """A search: `ask` for the values of the next training job, `report` its epochs, `end` it with what it reached."""

    def __init__(self, plan: SearchPlan) -> None:
        self._plan = plan
        self._study = _study(plan)
        self._trials: list[Trial] = []
        self._curves: list[list[float]] = []
        self._ended: set[int] = set()

    def learn(self, values: Mapping[str, str], result: float) -> bool:
        """Take over the result of a training job of an earlier search; return whether it lies in the ranges."""
        from optuna.trial import create_trial

        try:
            sampled = {one.name: one.sampled(values[one.name]) for one in self._plan.ranges}
        except (KeyError, ValueError):
            return False
        distributions = {one.name: one.distribution for one in self._plan.ranges}
        self._study.add_trial(create_trial(params=sampled, distributions=distributions, value=result))
        return True

    def ask(self) -> tuple[int, dict[str, str]] | None:
        """Return the number of the next training job, from 0, and its values; None after the last one."""
        if len(self._trials) >= self._plan.jobs:
            return None
        trial = self._study.ask({one.name: one.distribution for one in self._plan.ranges})
        self._trials.append(trial)
        self._curves.append([])
        return len(self._trials) - 1, {one.name: one.text(trial.params[one.name]) for one in self._plan.ranges}

    def report(self, job: int, value: float) -> bool:
        """Take the objective metric after a training job's next epoch; return whether to stop the job early."""
        curve, whole = self._curves[job], self._plan.max_resource
        curve.append(value)
        hyperband = self._plan.strategy == "Hyperband"
        if hyperband:
            self._trials[job].report(value, len(curve))
        if whole is not None and len(curve) >= whole:
            # A whole job ends by itself, and is Completed then; one that goes on is stopped by Hyperband.
            return hyperband and len(curve) > whole
        if hyperband:
            return self._trials[job].should_prune()
        if self._plan.stops_early:
            earlier = [self._curves[other] for other in range(job) if other in self._ended]
            return is_worse_than_median(curve, earlier, self._plan.maximize)
        return False

    def end(self, job: int, completed: bool) -> None:
        """Take the end of a training job: its result is the last value reported; without one it has failed."""
        from optuna.trial import TrialState

        self._ended.add(job)
        curve, trial = self._curves[job], self._trials[job]
        if completed and curve:
            self._study.tell(trial, curve[-1])
        elif curve:
            if self._plan.strategy != "Hyperband":  # which has reported each epoch
                trial.report(curve[-1], len(curve))
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, state=TrialState.FAIL)


def _study(plan: SearchPlan) -> Study:
    # Optuna takes a quarter of a second to import; in memory, it never loads the database that it can keep studies in.
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        # Hyperband chooses by this name, so that it has to be the same each time.
        study_name="search",
        direction="maximize" if plan.maximize else "minimize",
        sampler=_sampler(plan),
        pruner=_pruner(plan),
    )
    if plan.strategy == "Grid":
        for values in _shuffled_grid(plan.ranges, plan.seed):
            study.enqueue_trial(values)
    return study


def _sampler(plan: SearchPlan) -> BaseSampler:
    from optuna.samplers import RandomSampler, TPESampler

    if plan.strategy in ("Random", "Grid"):
        return RandomSampler(plan.seed)
    return TPESampler(
        n_startup_trials=max(_MIN_RANDOM, math.floor(plan.jobs * _RANDOM_SHARE)),
        multivariate=True,
        constant_liar=plan.parallel > 1,
        seed=plan.seed,
    )


def _pruner(plan: SearchPlan) -> BasePruner:
    from optuna.pruners import HyperbandPruner, NopPruner

    if plan.strategy != "Hyperband":
        return NopPruner()
    return HyperbandPruner(plan.min_resource, plan.max_resource or plan.min_resource, _REDUCTION)


def _shuffled_grid(ranges: Sequence[ParameterRange], seed: int | None) -> list[dict[str, str]]:
    names = [one.name for one in ranges]
    grid = [dict(zip(names, values, strict=True)) for values in itertools.product(*(one.values for one in ranges))]
    random.Random(seed).shuffle(grid)  # noqa: S311 (an order, not a secret)
    return grid
