"""The list of assumptions: complete entries, stable ids, and what `prove` without `--run` prints."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import NoReturn

import pytest
from botocore.exceptions import NoCredentialsError

from groundloop.errors import UserError
from pipeline.prove.catalogue import TRIALS, chosen
from pipeline.prove.verdict import Assumption
from tests.pipeline.prove.conftest import Prove

ASSUMPTIONS = [assumption for trial in TRIALS for assumption in trial.assumptions]


@pytest.fixture(autouse=True)
def no_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> NoReturn:
        raise NoCredentialsError

    monkeypatch.setattr("pipeline.plan.prices.pricing_client", refuse)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def test_ids_are_unique() -> None:
    ids = [*(trial.id for trial in TRIALS), *(assumption.id for assumption in ASSUMPTIONS)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("assumption", ASSUMPTIONS, ids=lambda assumption: assumption.id)
def test_an_assumption_is_complete(assumption: Assumption) -> None:
    for field in fields(assumption):
        text = getattr(assumption, field.name)
        assert text
        assert field.name in ("id", "source") or text.endswith(".")


def test_the_free_trials_come_first_and_what_is_left_to_a_person_last() -> None:
    kinds = [0 if trial.free else 2 if trial.by_hand else 1 for trial in TRIALS]
    assert kinds == sorted(kinds)


def test_a_trial_is_chosen_by_an_assumption() -> None:
    assert [trial.id for trial in chosen(["transform-png", "run-gate"], paid=True)] == ["pipeline-run", "transform"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("transform-pgn", "did you mean transform-png"), ("nothing", "lists them"), ("run-gate", "needs --run small")],
)
def test_what_cannot_be_chosen(name: str, message: str) -> None:
    with pytest.raises(UserError, match=f"--only {name}: .*{message}"):
        chosen([name], paid=False)


def test_the_list_says_all_of_each(prove: Prove) -> None:
    listed = json.loads(prove("--json", "-s", "costs.hourly_usd={ml.g4dn.xlarge: 0.6}").out)["assumptions"]
    assert [entry["id"] for entry in listed] == [assumption.id for assumption in ASSUMPTIONS]
    by_id = {entry["id"]: entry for entry in listed}
    assert by_id["training-isolated"]["usd_at_most"] == pytest.approx(0.2)
    assert by_id["image-spark"]["usd_at_most"] == 0
    assert by_id["vpc-job"]["creates"] == ["a processing job"]


def test_the_list_without_prices_says_so(prove: Prove) -> None:
    assert "price unknown (set costs.hourly_usd)" in prove("--only", "isolation").out


def test_the_policy_is_for_the_names_of_a_proof(prove: Prove) -> None:
    printed = json.loads(prove("--policy").out)
    text = json.dumps(printed["RolePolicy"])
    assert "model-package-group/groundloop-prove" in text
    assert "endpoint/groundloop-prove" in text
    assert printed["TrustPolicy"]["Statement"]
