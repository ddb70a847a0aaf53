"""After an upsert the plan is empty; after a change it says just that."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from groundloop.aws import client
from groundloop.errors import UserError
from pipeline.config import Config
from pipeline.plan.planning import Plan, make_plan
from pipeline.plan.rendering import change_line, change_lines, summary_line

Configured = Callable[..., Config]


def changes_of(made: Plan) -> list[str]:
    """The changes as lines, without what a version merely notes of them."""
    return [change_line(change) for change in made.changes if change.kind != "record"]


def test_after_an_upsert_there_is_nothing_to_do(deployed: Any, configured: Configured) -> None:
    made = make_plan(configured())
    assert not made.differs
    assert [pipeline.action for pipeline in made.pipelines] == ["unchanged", "unchanged"]
    assert summary_line(made) == "no changes: upsert has nothing to do"


def test_planning_changes_nothing(deployed: Any, configured: Configured) -> None:
    before = deployed.describe_pipeline(PipelineName="groundloop")
    keys = [item["Key"] for item in client("s3", "us-east-1").list_objects_v2(Bucket="groundloop-local")["Contents"]]
    assert make_plan(configured("training.hyperparameters.epochs=80")).differs
    after = deployed.describe_pipeline(PipelineName="groundloop")
    assert (after["PipelineDefinition"], after["LastModifiedTime"]) == (
        before["PipelineDefinition"],
        before["LastModifiedTime"],
    )
    assert [o["Key"] for o in client("s3", "us-east-1").list_objects_v2(Bucket="groundloop-local")["Contents"]] == keys


def test_in_an_empty_account_all_is_made(aws: Any, configured: Configured) -> None:
    made = make_plan(configured())
    found = changes_of(made)
    assert {change.sign for change in made.changes} == {"+"}
    assert "+ pipeline groundloop" in found
    assert "+ parameter Epochs  Integer, default 16" in found
    assert "+ step Train  Training, after Prepare" in found
    assert "+ model package group groundloop" in found
    assert "+ trigger groundloop-approval  Approved or Rejected, starts groundloop-deploy" in found
    assert aws.list_pipelines()["PipelineSummaries"] == []


CHANGES = [
    pytest.param(
        ["training.hyperparameters.epochs=80"],
        [
            "~ parameter Epochs  default: 16 → 80",
            "~ Train  HyperParameters.epochs: 16 → 80  (parameter Epochs)",
        ],
        id="epochs",
    ),
    pytest.param(
        ["training.hyperparameters.momentum=0.8"],
        ["~ Train  HyperParameters.momentum: 0.9 → 0.8"],
        id="a hyperparameter that is not a parameter",
    ),
    pytest.param(
        ["training.hyperparameters.kv_store=dist_sync"],
        ["+ Train  HyperParameters.kv_store: dist_sync"],
        id="a hyperparameter that was left to the algorithm",
    ),
    pytest.param(
        ["gate.thresholds.map_50=0.75"],
        [
            "~ parameter MinMap50  default: 0.0 → 0.75",
            "~ Evaluate  --minimum map_50: 0.0 → 0.75  (parameter MinMap50)",
        ],
        id="a threshold",
    ),
    pytest.param(
        ["gate.thresholds.per_class.nut.recall=0.8"],
        ["+ Evaluate  --minimum per_class.nut.recall: 0.8"],
        id="a further threshold",
    ),
    pytest.param(
        ["training.instance_type=ml.g5.xlarge"],
        [
            "~ parameter TrainInstanceType  default: ml.g4dn.xlarge → ml.g5.xlarge",
            "~ Train  ResourceConfig.InstanceType: ml.g4dn.xlarge → ml.g5.xlarge  (parameter TrainInstanceType)",
        ],
        id="an instance type",
    ),
    pytest.param(
        ["training.volume_gb=80"], ["~ Train  ResourceConfig.VolumeSizeInGB: 50 → 80"], id="a disk of one step"
    ),
    pytest.param(
        ["triggers.schedules={weekly: {at: 'cron(0 3 ? * MON *)'}}"],
        ["+ trigger groundloop-schedule-weekly  cron(0 3 ? * MON *), starts groundloop"],
        id="a new schedule",
    ),
    pytest.param(
        ["triggers.rollback_on_rejection=false"],
        ["~ trigger groundloop-approval  EventPattern.detail.ModelApprovalStatus: Approved or Rejected → Approved"],
        id="what a trigger waits for",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("assignments", "expected"), CHANGES)
def test_a_change_is_told_and_nothing_else(
    deployed: Any, configured: Configured, assignments: list[str], expected: list[str]
) -> None:
    assert sorted(changes_of(make_plan(configured(*assignments)))) == sorted(expected)


def test_tags_are_told_wherever_they_go(deployed: Any, configured: Configured) -> None:
    found = changes_of(make_plan(configured("aws.tags={team: vision}")))
    assert {"+ pipeline groundloop  tags.team: vision", "+ Train  Tags.team: vision"} <= set(found)


def test_another_package_group_is_made(deployed: Any, configured: Configured) -> None:
    assert "+ model package group other" in changes_of(make_plan(configured("registry.group=other")))


def test_an_image_is_told_where_it_is_used(deployed: Any, configured: Configured) -> None:
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:3"
    found = changes_of(make_plan(configured(f"processing.image_uri={image}")))
    assert len(found) == 3
    assert all(line.startswith(f"~ {step}  AppSpecification.ImageUri: ") for step, line in
               zip(("Prepare", "Evaluate", "Deploy"), found, strict=True))  # fmt: skip
    assert all(line.endswith(f" → {image}") for line in found)


def test_a_schedule_that_moves_is_one_line(deployed: Any, configured: Configured) -> None:
    from pipeline.upsert import put_triggers

    put_triggers(configured("triggers.schedules={weekly: {at: 'cron(0 3 ? * MON *)'}}"))
    found = changes_of(make_plan(configured("triggers.schedules={weekly: {at: 'cron(0 4 ? * MON *)'}}")))
    assert found == [
        "~ trigger groundloop-schedule-weekly  ScheduleExpression: cron(0 3 ? * MON *) → cron(0 4 ? * MON *)"
    ]
    assert changes_of(make_plan(configured())) == [
        "- trigger groundloop-schedule-weekly  cron(0 3 ? * MON *), starts groundloop"
    ]


def test_changed_code_is_told_with_its_files(
    deployed: Any, configured: Configured, edit: Callable[[str], None]
) -> None:
    edit("evaluate")
    made = make_plan(configured())
    assert changes_of(made) == ["~ code of Evaluate changed: steps/evaluate/job.py"]
    text = "\n".join(change_lines(made, None))
    assert "code/" not in text, "no path with a hash as the hint"


def test_code_that_has_gone_from_the_bucket_is_uploaded_again(deployed: Any, configured: Configured) -> None:
    s3 = client("s3", "us-east-1")
    for item in s3.list_objects_v2(Bucket="groundloop-local")["Contents"]:
        if item["Key"].endswith("groundloop-deploy.py"):
            s3.delete_object(Bucket="groundloop-local", Key=item["Key"])
    assert changes_of(make_plan(configured())) == ["+ code of deploy: uploaded again, it is no longer in the bucket"]


def test_what_someone_changed_by_hand_is_told(deployed: Any, configured: Configured) -> None:
    deployed.update_pipeline(PipelineName="groundloop", PipelineDescription="by hand")
    client("events", "us-east-1").put_rule(Name="groundloop-approval", EventPattern="{}", State="DISABLED")
    found = changes_of(make_plan(configured()))
    assert "~ pipeline groundloop  description: by hand → Ground Truth labels to a registered object detector." in found
    assert "~ trigger groundloop-approval  State: DISABLED → ENABLED" in found


def test_a_definition_that_is_none_is_replaced(deployed: Any, configured: Configured) -> None:
    deployed.update_pipeline(PipelineName="groundloop", PipelineDefinition="not json")
    assert changes_of(make_plan(configured())) == ["~ definition: not readable → as configured"]


def test_another_order_alone_is_a_difference_too(deployed: Any, configured: Configured) -> None:
    definition = json.loads(deployed.describe_pipeline(PipelineName="groundloop")["PipelineDefinition"])
    definition["Parameters"].reverse()
    deployed.update_pipeline(PipelineName="groundloop", PipelineDefinition=json.dumps(definition))
    assert changes_of(make_plan(configured())) == ["~ definition: equivalent, written differently → as configured"]


def test_without_a_bucket_or_with_another_account_there_is_no_plan(aws: Any, configured: Configured) -> None:
    with pytest.raises(UserError, match="there is no bucket 'nobodys'"):
        make_plan(configured("aws.bucket=nobodys"))
    with pytest.raises(UserError, match=r"are of account 123456789012, but aws\.account is 111122223333"):
        make_plan(configured("aws.account='111122223333'"))


@pytest.mark.parametrize(
    ("alarms", "warned"), [pytest.param("[]", True, id="no alarm"), pytest.param("[errors]", False, id="an alarm")]
)
def test_traffic_in_steps_without_alarms_is_warned_of(
    deployed: Any, configured: Configured, alarms: str, warned: bool
) -> None:
    rollout = f"deploy.rollout={{traffic: canary, alarms: {alarms}}}"
    plan = make_plan(configured(rollout, "deploy.endpoint.instance_count=2"))
    messages = [message for pipeline in plan.pipelines for message in pipeline.warnings]
    assert any("without alarms" in message for message in messages) is warned


def test_the_json_keeps_its_keys(deployed: Any, configured: Configured) -> None:
    one, other = (make_plan(configured("training.hyperparameters.epochs=80")).as_json() for _ in range(2))
    assert one == other
    assert json.loads(json.dumps(one)) == one
    assert list(one) == ["format", "differs", "region", "account", "offline", "pipelines", "others", "endpoint"]
    training = one["pipelines"][0]
    assert list(training) == ["name", "action", "changes", "steps", "cost_estimate", "warnings"]
    assert training["changes"][0] == {
        "sign": "~", "kind": "parameter", "name": "Epochs", "path": "default", "old": "16", "new": "80",
        "parameters": [], "files": [],
    }  # fmt: skip
    assert training["steps"][0] == {
        "step": "Prepare",
        "reruns": True,
        "reason": "its cache is off",
        "branch": "",
        "certain": True,
    }
    assert list(training["cost_estimate"]) == ["items", "hours_on_demand", "hours_spot", "unlimited", "usd"]
    assert list(training["cost_estimate"]["items"][0]) == [
        "step", "component", "instance_type", "instance_count", "hours", "attempts", "spot", "hourly_usd",
        "price_source", "usd", "search",
    ]  # fmt: skip
    assert one["endpoint"] == {"name": "groundloop", "status": None, "version": None, "changes": []}


@pytest.mark.parametrize("width", [80, 120])
def test_lines_fit_a_terminal(aws: Any, configured: Configured, width: int) -> None:
    made = make_plan(configured("labels.manifest=s3://bucket/" + "long/" * 40 + "output.manifest"))
    assert max(len(line) for line in change_lines(made, width)) <= width
