"""What the doctor says before there is a role, a bucket, credentials or the SDK: it is needed first then."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.loading import LoadedConfig, load_with_origins
from pipeline.doctor import AccountFinding, Level, container_images, run_checks
from pipeline.doctor import runner as examination
from pipeline.doctor.findings import ok
from pipeline.doctor.runner import CHECKS
from tests.fixtures.cli import Groundloop

WHO = {"Account": "111122223333", "Arn": "arn:aws:sts::111122223333:assumed-role/dev/me", "UserId": "me"}
ROLE = "arn:aws:iam::111122223333:role/vision"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def incomplete(*assignments: str) -> LoadedConfig:
    return load_with_origins((), assignments, {}, incomplete=True)


def by_check(findings: Any) -> dict[str, AccountFinding]:
    return {finding.check: finding for finding in findings}


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each check passes, so that only those that are left out are missing."""
    monkeypatch.setattr(
        examination,
        "CHECKS",
        tuple(
            examination.Check(
                check.names, lambda *_, names=check.names: [ok(name, "fine") for name in names], check.needs
            )
            for check in CHECKS
        ),
    )


@pytest.mark.usefixtures("passing")
def test_what_is_not_set_is_missing_and_the_rest_is_checked(scripted: Callable[..., Any]) -> None:
    loaded = incomplete()
    found = by_check(run_checks(loaded.config, scripted(sts={"get_caller_identity": WHO}), unset=loaded.missing))
    assert {name: finding.level for name, finding in found.items() if finding.level is not Level.OK} == {
        "bucket": Level.MISSING,
        "role": Level.MISSING,
        "permissions": Level.SKIPPED,
        "manifest": Level.MISSING,
        "images": Level.SKIPPED,
    }
    assert (found["role"].text, found["permissions"].text) == (
        "aws.role is not set",
        "not checked because aws.role is not set",
    )
    assert "`groundloop doctor --policy trust`" in found["role"].remedy
    assert "aws s3 mb s3://NAME --region us-east-1" in found["bucket"].remedy


@pytest.mark.usefixtures("passing")
def test_the_account_is_not_compared_with_a_role_that_is_not_set(scripted: Callable[..., Any]) -> None:
    loaded = incomplete("aws.bucket=mine-1")
    who = {**WHO, "Account": "999999999999"}
    found = by_check(run_checks(loaded.config, scripted(sts={"get_caller_identity": who}), unset=loaded.missing))
    assert (found["account"].level, found["bucket"].level) == (Level.OK, Level.OK)


def test_missing_settings_are_exit_code_1(groundloop: Groundloop) -> None:
    ran = groundloop("doctor", "--json")
    assert (ran.code, ran.json["ok"]) == (1, False)
    levels = {check["check"]: check["level"] for check in ran.json["checks"]}
    assert {name for name, level in levels.items() if level == "missing"} == {"role", "bucket", "manifest"}
    assert levels["connection"] == "error"


def test_without_credentials_that_is_said_before_the_sdk_is_imported(folder: Path) -> None:
    """The SDK takes seconds to import: the connection's error is printed before."""
    code = (
        "import sys\n"
        "from pipeline.config.loading import load_with_origins\n"
        "from pipeline.doctor import run_checks\n"
        "loaded = load_with_origins((), (), {}, incomplete=True)\n"
        "for finding in run_checks(loaded.config, unset=loaded.missing):\n"
        "    if finding.check == 'connection': sys.exit('sagemaker' in sys.modules)\n"
        "sys.exit('no connection finding')\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[3]).returncode == 0


def test_the_trust_policy_needs_only_the_account(groundloop: Groundloop) -> None:
    ran = groundloop("doctor", "--policy", "trust", "--set", "aws.account=111122223333")
    (statement,) = ran.json["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}


def test_the_role_policy_before_there_is_a_role_names_the_one_to_create(groundloop: Groundloop) -> None:
    ran = groundloop("doctor", "--policy", "role", "--set", "aws.account=111122223333", "--set", "aws.bucket=mine-1")
    statements = {statement["Sid"]: statement for statement in ran.json["Statement"]}
    assert statements["PassRoleToSageMaker"]["Resource"] == ["arn:aws:iam::111122223333:role/groundloop"]
    assert "aws.role is not set: the policy is for a role named groundloop" in ran.err
    assert "labels.manifest is not set: the policy allows reading labels and images from aws.bucket only" in ran.err
    assert "amzn-s3-demo-bucket" not in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("trust",), "neither aws.role nor aws.account is set: add --set aws.account=", id="no account"),
        pytest.param(
            ("role", "-s", f"aws.role={ROLE}"), "aws.bucket is not set: add --set aws.bucket=", id="no bucket"
        ),
        pytest.param(("both",), "Invalid value for '--policy'", id="no such policy"),
    ],
)
def test_what_a_policy_can_not_do_without_is_asked_for(
    groundloop: Groundloop, arguments: tuple[str, ...], message: str
) -> None:
    ran = groundloop("doctor", "--policy", *arguments)
    assert ran.code == 2
    assert message in ran.err


@pytest.mark.parametrize(
    ("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eu-west-1", "aws")]
)
def test_the_role_to_create_is_in_the_regions_partition(groundloop: Groundloop, region: str, partition: str) -> None:
    from pipeline.cli.doctor import config_for_policy

    config, _ = config_for_policy(incomplete(f"aws.region={region}", "aws.account=111122223333"), "trust")
    assert config.aws.role == f"arn:{partition}:iam::111122223333:role/groundloop"


def test_the_images_uris_are_looked_up_once_for_a_configuration(
    monkeypatch: pytest.MonkeyPatch, folder: Path, configured: Callable[..., Any]
) -> None:
    """Only the SDK knows them, and it takes seconds to import."""
    monkeypatch.setenv("GROUNDLOOP_CACHE_DIR", str(folder))
    looked_up: list[str] = []

    def look_up(config: Any) -> list[str]:
        looked_up.append(config.aws.region)
        return [f"image in {config.aws.region}"]

    monkeypatch.setattr("pipeline.doctor.region._look_up", look_up)
    found = [container_images(configured(f"aws.region={region}")) for region in ("us-east-1", "us-east-1", "eu-west-1")]
    assert found == [["image in us-east-1"], ["image in us-east-1"], ["image in eu-west-1"]]
    assert looked_up == ["us-east-1", "eu-west-1"]
