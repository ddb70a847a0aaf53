"""Versions side by side, and the decisions on them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import boto3
import pytest

from groundloop.errors import UserError

pytestmark = pytest.mark.usefixtures("quick")


def test_versions_are_listed_with_figures_champion_and_the_one_served(triggered: Any, groundloop: Any) -> None:
    good, better = triggered.register(map=0.5), triggered.register(map=0.75)
    for package in (good, better):
        triggered.decide(package, "Approved")
        triggered.executions()
    triggered.register(map=0.1)
    assert groundloop("deploy", "1").code == 0
    lines = groundloop("models").out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["3", "2", "1"]
    assert "PendingManualApproval" in lines[1]
    assert lines[2].split()[4:8] == ["0.750", "0.800", "0.700", "0.250"]
    assert lines[2].endswith("champion")
    assert lines[3].endswith("served")
    listed = json.loads(groundloop("models", "--json").out)
    assert list(listed) == ["group", "versions"]
    assert list(listed["versions"][0]) == [
        "number", "arn", "status", "created", "reason", "metrics", "metadata", "baseline", "champion", "served",
    ]  # fmt: skip
    assert [(v["number"], v["champion"], v["served"]) for v in listed["versions"]] == [
        (3, False, False), (2, True, False), (1, False, True),
    ]  # fmt: skip
    assert listed["versions"][1]["metrics"] == {"map": 0.75, "map_50": 0.8, "voc_map": 0.7, "count_mae": 0.25}


def test_one_version_is_shown_with_where_its_evaluation_is(project: Any, groundloop: Any) -> None:
    project.register()
    boto3.client("sagemaker").update_model_package(
        ModelPackageArn=project.register(), CustomerMetadataProperties={"fingerprint": "ab" * 32}
    )
    assert re.search(r"\nmetadata\n(  .*\n)*  fingerprint +abababababab\.\.\.\n", groundloop("models", "show", "2").out)
    shown = groundloop("models", "show", "1").out
    assert "evaluation.json" in shown
    assert "\n\nmetrics\n  map " in shown
    assert "0.8000" in shown
    shown = json.loads(groundloop("models", "show", "1", "--json").out)
    assert (shown["number"], shown["status"], shown["champion"]) == (1, "PendingManualApproval", False)


def test_a_version_is_shown_with_the_models_that_its_training_started_from(project: Any, groundloop: Any) -> None:
    from groundloop.models.registry import ancestors

    sagemaker, packages = boto3.client("sagemaker"), [project.register() for _ in range(3)]
    parents = ["s3://theirs/model.tar.gz", *packages]
    for package, parent in zip(packages, parents, strict=False):
        sagemaker.update_model_package(
            ModelPackageArn=package, CustomerMetadataProperties={"started_from": parent, "map": "0.5"}
        )
    assert "version 2, from version 1, from s3://theirs/model.tar.gz" in groundloop("models", "show", "3").out
    shown = json.loads(groundloop("models", "show", "3", "--json").out)
    assert shown["started_from"] == [packages[1], packages[0], parents[0]]
    assert ancestors("us-east-1", {}) == []
    gone = packages[0].rpartition("/")[0] + "/99"
    assert ancestors("us-east-1", {"started_from": gone}) == [gone]


def test_figures_in_the_metadata_need_no_file(project: Any) -> None:
    from groundloop.models.registry import version

    package = project.register()
    boto3.client("sagemaker").update_model_package(
        ModelPackageArn=package, CustomerMetadataProperties={"map": "0.9", "evaluation": "s3://groundloop-local/gone"}
    )
    assert version("us-east-1", project.name, 1).metrics == {"map": 0.9}


def test_a_version_without_an_evaluation_is_still_listed(project: Any) -> None:
    from groundloop.models.registry import versions

    package = project.register()
    gone = {"evaluation": "s3://groundloop-local/gone"}
    boto3.client("sagemaker").update_model_package(ModelPackageArn=package, CustomerMetadataProperties=gone)
    assert [item.metrics for item in versions("us-east-1", project.name)] == [{}]


def test_only_the_newest_are_listed_when_asked(project: Any) -> None:
    from groundloop.models.registry import versions

    for _ in range(3):
        project.register()
    assert [item.number for item in versions("us-east-1", project.name, last=2)] == [3, 2]


def test_a_decision_keeps_its_reason_and_is_not_taken_twice(project: Any, groundloop: Any) -> None:
    package = project.register()
    ran = groundloop("approve", "1", "--reason", "good on night images")
    assert "PendingManualApproval -> Approved" in ran.out
    assert "no rule deploys approved versions; next: groundloop deploy 1" in ran.out
    described = boto3.client("sagemaker").describe_model_package(ModelPackageName=package)
    assert (described["ModelApprovalStatus"], described["ApprovalDescription"]) == ("Approved", "good on night images")
    again = groundloop("approve", "1", "-r", "other")
    assert (again.code, again.out) == (0, "version 1 is already Approved: good on night images\n")
    assert groundloop("reject", "1", "-r", "misses bolts", "--json").json == {
        "group": project.name,
        "version": 1,
        "status": "Rejected",
        "previous_status": "Approved",
        "changed": True,
        "reason": "misses bolts",
        "triggers": [],
    }
    assert (
        boto3.client("sagemaker").describe_model_package(ModelPackageName=package)["ModelApprovalStatus"] == "Rejected"
    )


def test_an_approval_says_which_rule_acts_on_it(triggered: Any, groundloop: Any) -> None:
    triggered.register()
    assert (
        f"rule {triggered.name}-approval starts pipeline {triggered.name}-deploy"
        in groundloop("approve", "1", "-r", "x").out
    )
    assert triggered.statuses() == ["Succeeded"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["approve", "7", "--reason", "x"], "has no version 7; it has none yet", id="no such version"),
        pytest.param(["approve", "1", "--reason", " "], "--reason is empty", id="no reason"),
        pytest.param(["models", "show", "3"], "has no version 3", id="nothing to show"),
        pytest.param(["deploy", "3"], "has no version 3", id="nothing to deploy"),
        pytest.param(["deploy"], "is approved: groundloop models", id="nothing approved"),
        pytest.param(["rollback"], "there is no endpoint", id="nothing to roll back"),
        pytest.param(["endpoint"], "there is no endpoint", id="no endpoint"),
        pytest.param(["models", "-s", "registry.group=nobodys"], "no model package group 'nobodys'", id="no group"),
    ],
)
def test_mistakes_are_one_clear_line(project: Any, groundloop: Any, arguments: list[str], message: str) -> None:
    ran = (
        groundloop(*arguments)
        if "-s" not in arguments
        else groundloop(*arguments[:1], given=project.changed(arguments[2]))
    )
    assert ran.code == 1
    assert message in ran.error


def test_a_missing_group_is_told(project: Any) -> None:
    from groundloop.models.registry import version

    with pytest.raises(UserError, match="run `groundloop upsert` first"):
        version("us-east-1", "nobodys", 1)


def test_the_report_of_a_version_lies_beside_its_evaluation(project: Any, groundloop: Any, tmp_path: Path) -> None:
    package = project.register()
    described = boto3.client("sagemaker").describe_model_package(ModelPackageName=package)
    key = described["CustomerMetadataProperties"]["evaluation"].partition(f"{project.name}/")[2]
    project.put(key.replace("evaluation.json", "report.html"), b"<p>a report</p>")
    ran = groundloop("report", "1", "-o", str(tmp_path / "page.html"))
    assert ran.code == 0, ran.error
    assert (tmp_path / "page.html").read_text() == "<p>a report</p>"
    assert "groundloop report 1 --open" in groundloop("models", "show", "1").out
