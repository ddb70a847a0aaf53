"""No trial starts that could cost more than what is left, and each job's stopping condition keeps it to that."""

from __future__ import annotations

import boto3
import pytest

from groundloop.local import LocalAws
from pipeline.plan.prices import Price
from pipeline.prove.budget import Budget, OverBudgetError, PriceOf, price_lookup
from pipeline.prove.trial import Trial, TrialInstance
from tests.pipeline.prove.conftest import Prove, configured


def prices(**usd: float) -> PriceOf:
    """Return a price table by the last part of a type."""
    table = {f"ml.g4dn.{name}": Price(value, "test") for name, value in usd.items()}
    return lambda instance, component: table.get(instance)


def trial(*minutes: float, requests_usd: float = 0.0) -> Trial:
    """Return a trial with an ml.g4dn.xlarge for each number of minutes."""
    instances = tuple(
        TrialInstance(f"job {number}", "ml.g4dn.xlarge", "Training", each)
        for number, each in enumerate(minutes, start=1)
    )
    return Trial("trained", (), (), lambda bench: iter(()), instances, requests_usd)


@pytest.fixture(autouse=True)
def on_aws(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "aws" not in request.fixturenames:
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def test_a_trial_gets_all_its_time_when_there_is_money() -> None:
    allotment = Budget(2, prices(xlarge=0.6)).allot(trial(30, 10, requests_usd=0.05))
    assert allotment.seconds == {"job 1": 1800, "job 2": 600}
    assert allotment.bound_usd == pytest.approx(0.45)


def test_what_is_left_shortens_the_stopping_conditions() -> None:
    allotment = Budget(0.3, prices(xlarge=0.6)).allot(trial(30, 10))
    assert allotment.seconds == pytest.approx({"job 1": 1350, "job 2": 450}, abs=1)
    assert allotment.bound_usd <= 0.3


@pytest.mark.parametrize(
    ("limit", "asked", "message"),
    [
        pytest.param(0.1, trial(30), r"may cost \$0.30 and needs room for at least \$0.15; \$0.10 of", id="instances"),
        pytest.param(0.04, trial(requests_usd=0.05), r"may cost \$0.05", id="requests"),
        pytest.param(0, trial(30), r"\$0.00 of \$0.00 is left", id="nothing"),
    ],
)
def test_a_trial_that_does_not_fit_is_refused(limit: float, asked: Trial, message: str) -> None:
    with pytest.raises(OverBudgetError, match=f"over budget: .*{message}"):
        Budget(limit, prices(xlarge=0.6)).allot(asked)


def test_a_trial_without_a_price_is_refused() -> None:
    with pytest.raises(OverBudgetError, match=r"price of ml.g4dn.xlarge isn't known.*set costs.hourly_usd.ml.g4dn"):
        Budget(100, prices()).allot(trial(30))


def test_a_trial_is_charged_for_what_ran() -> None:
    budget = Budget(2, prices(xlarge=0.6))
    allotment = budget.allot(trial(30, 10, requests_usd=0.05))
    assert allotment.spent_usd == 0
    allotment.begin("job 1", "job 2")
    assert allotment.spent_usd == pytest.approx(allotment.bound_usd)
    allotment.ran("job 1", 600)
    allotment.ran("job 2", 9000)  # never more than it was allowed to
    budget.charge(allotment)
    assert budget.spent_usd == pytest.approx(0.25)
    assert budget.left_usd == pytest.approx(1.75)


def test_the_configured_prices_come_first() -> None:
    price_of = price_lookup(configured("costs.hourly_usd={ml.g4dn.xlarge: 0.7}"))
    found = price_of("ml.g4dn.xlarge", "Training")
    assert found is not None
    assert found.usd == 0.7


def test_offline_a_type_without_a_price_is_free(aws: LocalAws) -> None:
    found = price_lookup(configured())("ml.g4dn.xlarge", "Training")
    assert found is not None
    assert found.usd == 0


def test_a_trial_over_budget_is_not_run_and_the_next_ones_are(aws: LocalAws, prove: Prove) -> None:
    table = "costs.hourly_usd={ml.g4dn.xlarge: 100, ml.m5.large: 0.1, ml.t3.medium: 0.1}"
    only = [option for name in ("pipeline-run", "property-files", "isolation") for option in ("--only", name)]
    ran = prove("--run", "small", "--budget", "2", "--yes", *only, "-s", table)
    assert ran.code == 0
    assert "not tried run-training: over budget: it may cost $50." in ran.out
    assert "held      property-file-size" in ran.out
    assert "not tried training-isolated: over budget: it may cost $33." in ran.out
    spent = float(ran.out.split("spent at most $")[1].split()[0])
    assert 0 <= spent < 0.05
    assert not boto3.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]


def test_it_asks_before_it_spends(aws: LocalAws, prove: Prove) -> None:
    table = "costs.hourly_usd={ml.g4dn.xlarge: 0.6}"
    ran = prove("--run", "small", "--only", "isolation", "-s", table, stdin="n\n")
    assert ran.code == 1
    assert "isolation: at most $0.20; creates a training job" in ran.err
    assert "Spend up to $2.00 on these?" in ran.err
    assert "not tried" not in ran.out
