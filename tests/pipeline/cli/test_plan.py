"""`groundloop plan` and `groundloop upsert`: exit codes, files, what is printed."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from tests.fixtures.cli import Groundloop

LOCAL = Path(__file__).resolve().parents[3] / "configs" / "local.yaml"
GIVEN = ["-c", str(LOCAL), "-s", "aws.bucket=bucket", "-s", "deploy.mode=on_approval"]
EPOCHS = ["-s", "training.hyperparameters.epochs=80"]


@pytest.fixture
def groundloop(s3: Any, groundloop: Groundloop, monkeypatch: pytest.MonkeyPatch) -> Groundloop:
    """Run a command on an AWS in memory that has a bucket and no prices."""

    def unreachable() -> Any:
        raise EndpointConnectionError(endpoint_url="https://api.pricing.us-east-1.amazonaws.com")

    monkeypatch.setattr("pipeline.plan.prices.pricing_client", unreachable)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return groundloop


def test_both_bounds_of_a_search_are_printed(groundloop: Groundloop) -> None:
    """And the number of its jobs; the smaller bound, with the retries after internal errors, is the estimate."""
    search = ["-c", str(LOCAL.with_name("tune.yaml")), "-s", "training.tuning.jobs=12"]
    more = ["-s", "training.tuning.parallel_jobs=2", "-s", "costs.hourly_usd={ml.g4dn.xlarge: 0.736}"]
    ran = groundloop("plan", *GIVEN, *search, *more)
    assert ran.code == 0, ran.err
    (row,) = (line.split() for line in ran.out.splitlines() if line.startswith("  Tune ") and "g4dn" in line)
    assert row == ["Tune", "ml.g4dn.xlarge", "96", "h", "(2", "attempts", "x", "48", "h)", "$70.66"]
    assert (
        "Tune: 12 jobs x 6 h = 72 h, $52.99; or 2 jobs at a time x 24 h = 48 h, $35.33: the smaller bound counts"
    ) in ran.out


def test_exit_codes_say_whether_something_differs(groundloop: Groundloop) -> None:
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


def test_without_prices_there_are_hours_and_the_reason(groundloop: Groundloop) -> None:
    out = groundloop("plan", *GIVEN).out
    assert "Prices: none, so hours only (the AWS Pricing API can't be reached (EndpointConnectionError)" in out
    assert "$" not in out
    priced = groundloop("plan", *GIVEN, "-s", "costs.hourly_usd={ml.g4dn.xlarge: 3.825}").out
    assert re.search(r"Train +ml.g4dn.xlarge +12 h \(2 attempts x 6 h\) +\$45\.90\n", priced)
    assert "Prices: costs.hourly_usd; none for ml.m5.xlarge" in priced


def test_a_saved_plan_is_applied_once(groundloop: Groundloop, tmp_path: Path) -> None:
    file = str(tmp_path / "plan.json")
    assert f"next: groundloop upsert {file}\n" in groundloop("plan", *GIVEN, *EPOCHS, "--out", file).out
    applied = groundloop("upsert", file, "-v")
    assert applied.code == 0
    assert "created groundloop\n" in applied.out
    assert "created trigger groundloop-approval\n" in applied.out
    assert re.search(r"Epochs +Integer +80\n", applied.out)
    again = groundloop("upsert", file)
    assert (again.code, "pipeline groundloop was created" in again.err) == (1, True)


def test_upsert_as_json(groundloop: Groundloop) -> None:
    printed = groundloop("upsert", *GIVEN, "--json").json
    assert [pipeline["name"] for pipeline in printed["pipelines"]] == ["groundloop", "groundloop-deploy"]
    assert {"arn", "action", "parameters", "warnings", "studio"} <= set(printed["pipelines"][0])
    assert printed["triggers"]["queue"]
    assert printed["warning"] == ""


def test_a_plan_takes_no_configuration_beside_it(groundloop: Groundloop) -> None:
    assert "either a plan (plan.json) or --config" in groundloop("upsert", "plan.json", *GIVEN).err


def test_json_is_one_object_and_stable(groundloop: Groundloop) -> None:
    one, other = groundloop("plan", "--json", *GIVEN), groundloop("plan", "--json", *GIVEN)
    assert one.out == other.out
    assert json.loads(one.out)["format"] == 1
    assert json.loads(one.out)["differs"] is True


def test_upsert_tells_what_it_did(groundloop: Groundloop) -> None:
    groundloop("upsert", *GIVEN)
    again = groundloop("upsert", *GIVEN, *EPOCHS)
    assert "updated groundloop\n" in again.out
    assert "unchanged groundloop-deploy\n" in again.out
    assert "unchanged trigger groundloop-approval\n" in again.out


def test_triggers_that_are_refused_are_a_warning(groundloop: Groundloop) -> None:
    """The pipelines are up, and nothing that depends on them should stop for it."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "*"}]}
    boto3.client("iam").create_role(RoleName="groundloop-local", AssumeRolePolicyDocument=json.dumps(trust))
    ran = groundloop("upsert", *GIVEN)
    assert ran.code == 0
    assert "created groundloop-deploy\n" in ran.out
    assert "warning: the pipelines are deployed, but not their triggers: EventBridge can't start" in ran.err


@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_a_terminal(groundloop: Groundloop, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for command in ("plan", "upsert"):
        lines = groundloop(command, *GIVEN).out.splitlines()
        assert max(len(line) for line in lines if not line.startswith("next: ")) <= width, "a command is never folded"
