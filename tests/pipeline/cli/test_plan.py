"""``groundloop plan`` and ``groundloop upsert``: exit codes, files, what is printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import typer
from botocore.exceptions import EndpointConnectionError
from typer.testing import CliRunner

from groundloop.errors import UserError
from pipeline.cli import plan, upsert

LOCAL = Path(__file__).resolve().parents[3] / "configs" / "local.yaml"
GIVEN = ["-c", str(LOCAL), "-s", "aws.bucket=bucket", "-s", "deploy.mode=on_approval"]
EPOCHS = ["-s", "training.hyperparameters.epochs=80"]


@dataclass(frozen=True)
class Ran:
    """What a command printed, its exit code, and its error as the program would print it."""

    code: int
    out: str
    err: str


@pytest.fixture
def groundloop(s3: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Runs the two commands on an AWS in memory that has a bucket and no prices."""

    def unreachable() -> Any:
        raise EndpointConnectionError(endpoint_url="https://api.pricing.us-east-1.amazonaws.com")

    monkeypatch.setattr("pipeline.plan.prices.pricing_client", unreachable)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    app = typer.Typer()
    app.command("plan")(plan.plan)
    app.command("upsert")(upsert.upsert)

    def run(*arguments: str) -> Ran:
        ran = CliRunner().invoke(app, list(arguments))
        if isinstance(ran.exception, UserError):
            return Ran(1, ran.stdout, str(ran.exception))
        if ran.exception and not isinstance(ran.exception, SystemExit):
            raise ran.exception
        return Ran(ran.exit_code, ran.stdout, ran.stderr)

    return run


def test_exit_codes_say_whether_something_differs(groundloop: Callable[..., Ran]) -> None:
    detailed = ["--detailed-exitcode", *GIVEN]
    assert groundloop("plan", *GIVEN).code == 0
    assert groundloop("plan", *detailed).code == 2
    assert groundloop("upsert", *GIVEN).code == 0
    same = groundloop("plan", *detailed)
    assert same.code == 0
    assert "no changes: upsert has nothing to do\n" in same.out
    assert "next:" not in same.out
    other = groundloop("plan", *detailed, *EPOCHS)
    assert other.code == 2
    assert "  ~ Train  HyperParameters.epochs: 16 → 80  (parameter Epochs)\n" in other.out
    assert groundloop("plan", *detailed, "-s", "aws.bucket=nobodys").code == 1


def test_without_prices_there_are_hours_and_the_reason(groundloop: Callable[..., Ran]) -> None:
    out = groundloop("plan", *GIVEN).out
    assert "Prices: none, so hours only (the AWS Pricing API can't be asked (EndpointConnectionError)" in out
    assert "$" not in out
    priced = groundloop("plan", *GIVEN, "-s", "costs.hourly_usd={ml.p3.2xlarge: 3.825}").out
    assert "12 h (2 attempts x 6 h)  $45.90" in priced
    assert "Prices: costs.hourly_usd; none for ml.m5.xlarge" in priced


def test_a_saved_plan_is_applied_once(groundloop: Callable[..., Ran], tmp_path: Path) -> None:
    file = str(tmp_path / "plan.json")
    assert f"next: groundloop upsert {file}\n" in groundloop("plan", *GIVEN, *EPOCHS, "--out", file).out
    applied = groundloop("upsert", file)
    assert applied.code == 0
    assert "created groundloop\n" in applied.out
    assert "created trigger groundloop-approval\n" in applied.out
    assert "Epochs                   Integer  80" in applied.out
    again = groundloop("upsert", file)
    assert (again.code, "pipeline groundloop was made" in again.err) == (1, True)


def test_a_plan_takes_no_configuration_beside_it(groundloop: Callable[..., Ran]) -> None:
    assert "either a plan (plan.json) or --config" in groundloop("upsert", "plan.json", *GIVEN).err


def test_json_is_one_object_and_stable(groundloop: Callable[..., Ran]) -> None:
    one, other = groundloop("plan", "--json", *GIVEN), groundloop("plan", "--json", *GIVEN)
    assert one.out == other.out
    assert json.loads(one.out)["format"] == 1
    assert json.loads(one.out)["differs"] is True


def test_upsert_tells_what_it_did(groundloop: Callable[..., Ran]) -> None:
    groundloop("upsert", *GIVEN)
    again = groundloop("upsert", *GIVEN, *EPOCHS)
    assert "updated groundloop\n" in again.out
    assert "unchanged groundloop-deploy\n" in again.out
    assert "unchanged trigger groundloop-approval\n" in again.out


def test_triggers_that_are_refused_are_a_warning(groundloop: Callable[..., Ran]) -> None:
    """The pipelines are up, and nothing that depends on them should stop for it."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "*"}]}
    boto3.client("iam").create_role(RoleName="groundloop-local", AssumeRolePolicyDocument=json.dumps(trust))
    ran = groundloop("upsert", *GIVEN)
    assert ran.code == 0
    assert "created groundloop-deploy\n" in ran.out
    assert "warning: the pipelines are up, but not what starts them: EventBridge can't start" in ran.err


@pytest.mark.parametrize("command", ["plan", "upsert"])
def test_help_has_an_example(groundloop: Callable[..., Ran], command: str) -> None:
    assert f"Example: groundloop {command}" in " ".join(groundloop(command, "--help").out.split())
