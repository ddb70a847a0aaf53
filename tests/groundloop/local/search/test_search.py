"""The search on known curves, without jobs: what it finds, what it stops early, what its seed repeats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import mean, median

import pytest

from groundloop.local.search.ranges import ParameterRange
from groundloop.local.search.search import Search, SearchPlan

EPOCHS = 16
SEEDS = range(20)
RANGES = (
    ParameterRange("learning_rate", "continuous", 1e-5, 1e-1, "Logarithmic"),
    ParameterRange("mini_batch_size", "integer", 8, 64, "Linear"),
    ParameterRange("optimizer", "categorical", values=("sgd", "adam")),
)
#: The result with the best values: learning_rate 0.001, mini_batch_size 24, sgd.
OPTIMUM = 0.8


def final(values: dict[str, str]) -> float:
    rate, batch = math.log10(float(values["learning_rate"])), int(values["mini_batch_size"])
    return OPTIMUM - 0.08 * (rate + 3) ** 2 - abs(batch - 24) / 400 - 0.05 * (values["optimizer"] == "adam")


def curve(values: dict[str, str]) -> list[float]:
    return [final(values) * (1 - math.exp(-(epoch + 1) / 4)) / (1 - math.exp(-EPOCHS / 4)) for epoch in range(EPOCHS)]


@dataclass
class Run:
    """What a search did: the values in order, the best completed result, and the epochs of all jobs."""

    tried: list[dict[str, str]] = field(default_factory=list)
    best: float = -math.inf
    epochs: int = 0

    @property
    def share(self) -> float:
        """Share of the epochs of whole jobs that was run."""
        return self.epochs / (len(self.tried) * EPOCHS)


def run(plan: SearchPlan) -> Run:
    search, done = Search(plan), Run()
    while (asked := search.ask()) is not None:
        job, values = asked
        done.tried.append(values)
        completed = True
        for value in curve(values):
            done.epochs += 1
            if search.report(job, value):
                completed = False
                break
        search.end(job, completed)
        if completed:
            done.best = max(done.best, final(values))
    return done


def runs(plan: SearchPlan, seeds: Sequence[int] = SEEDS) -> list[Run]:
    return [run(replace(plan, seed=seed)) for seed in seeds]


@pytest.fixture(scope="module")
def random_runs() -> list[Run]:
    return runs(SearchPlan("Random", RANGES, 16))


@pytest.fixture(scope="module")
def bayesian_runs() -> list[Run]:
    return runs(SearchPlan("Bayesian", RANGES, 16))


def test_bayesian_search_regrets_less_than_random_search(random_runs: list[Run], bayesian_runs: list[Run]) -> None:
    random_regret, bayesian_regret = (
        median(OPTIMUM - one.best for one in found) for found in (random_runs, bayesian_runs)
    )
    assert bayesian_regret < random_regret


def test_the_median_rule_saves_epochs_and_finds_the_same_winner(random_runs: list[Run]) -> None:
    stopped = runs(SearchPlan("Random", RANGES, 16, stops_early=True, max_resource=EPOCHS))
    assert mean(one.share for one in stopped) < 0.75
    assert all(one.tried == whole.tried for one, whole in zip(stopped, random_runs, strict=True))
    assert [one.best for one in stopped] == pytest.approx([one.best for one in random_runs], abs=0.01)


def test_hyperband_saves_epochs_and_finds_as_good_a_winner(bayesian_runs: list[Run]) -> None:
    stopped = runs(SearchPlan("Hyperband", RANGES, 16, max_resource=EPOCHS), SEEDS[:10])
    assert mean(one.share for one in stopped) < 0.75
    assert median(one.best for one in stopped) == pytest.approx(median(one.best for one in bayesian_runs), abs=0.01)


@pytest.mark.parametrize("strategy", ["Random", "Bayesian", "Hyperband"])
def test_a_seed_repeats_the_search(strategy: str) -> None:
    plan = SearchPlan(strategy, RANGES, 8, max_resource=EPOCHS, seed=5)
    assert run(plan).tried == run(plan).tried
    assert run(plan).tried != run(replace(plan, seed=6)).tried


def test_parallel_jobs_get_different_values() -> None:
    search = Search(SearchPlan("Bayesian", RANGES, 12, parallel=4, seed=1))
    for _ in range(3):
        asked = [search.ask() for _ in range(4)]
        started = [one for one in asked if one is not None]
        assert len({values["learning_rate"] for _, values in started}) == 4
        for job, values in started:
            search.report(job, final(values))
            search.end(job, completed=True)
    assert search.ask() is None


def test_a_grid_visits_each_combination_once() -> None:
    ranges = (
        ParameterRange("optimizer", "categorical", values=("sgd", "adam")),
        ParameterRange("mini_batch_size", "categorical", values=("8", "16", "32")),
    )
    search = Search(SearchPlan("Grid", ranges, 6, seed=1))
    asked = [search.ask() for _ in range(7)]
    assert asked[-1] is None
    tried = [tuple(one[1].values()) for one in asked if one is not None]
    assert sorted(tried) == sorted((optimizer, size) for optimizer in ("sgd", "adam") for size in ("8", "16", "32"))


def test_results_of_an_earlier_search_are_used() -> None:
    """With the earlier results there is nothing left to choose at random, so the search stays near the best of them."""
    plan = SearchPlan("Bayesian", RANGES[:1], 3, seed=1)
    search = Search(plan)
    for exponent in range(-50, -9):
        assert search.learn({"learning_rate": str(10 ** (exponent / 10))}, -((exponent / 10 + 3) ** 2))
    for _ in range(3):
        asked = search.ask()
        assert asked is not None
        assert -3.8 < math.log10(float(asked[1]["learning_rate"])) < -2.2
        search.end(asked[0], completed=False)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"learning_rate": "0.5", "mini_batch_size": "8", "optimizer": "sgd"}, id="above the range"),
        pytest.param({"learning_rate": "0.01", "mini_batch_size": "8", "optimizer": "rmsprop"}, id="no such value"),
        pytest.param({"learning_rate": "0.01", "mini_batch_size": "8"}, id="static there"),
    ],
)
def test_results_outside_of_the_ranges_are_left_out(values: dict[str, str]) -> None:
    assert not Search(SearchPlan("Random", RANGES, 3)).learn(values, 0.5)


def test_hyperband_stops_a_job_that_goes_on_after_max_resource_but_no_whole_one() -> None:
    search = Search(SearchPlan("Hyperband", RANGES, 3, max_resource=3, seed=1))
    asked = search.ask()
    assert asked is not None
    assert [search.report(asked[0], 0.5) for _ in range(4)] == [False, False, False, True]


@pytest.mark.parametrize("maximize", [True, False])
def test_more_or_less_is_better(maximize: bool) -> None:
    plan = SearchPlan("Random", RANGES, 2, maximize=maximize, stops_early=True, seed=1)
    search = Search(plan)
    first, second = search.ask(), search.ask()
    assert first is not None
    assert second is not None
    assert not search.report(first[0], 0.5)
    search.end(first[0], completed=True)
    assert search.report(second[0], 0.4) is maximize
