"""destroy: all that the project made, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from groundloop.errors import UserError
from pipeline.teardown import list_resources

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def deployed(triggered: Any) -> Any:
    """A project with two deployments behind it, and a neighbour's things beside."""
    for _ in range(2):
        triggered.decide(triggered.register(), "Approved")
        triggered.executions()
    return triggered


def kinds(items: list[Any]) -> dict[str, int]:
    names = [item.kind for item in items]
    return {kind: names.count(kind) for kind in names}


def test_everything_is_listed_in_an_order_that_works(deployed: Any) -> None:
    found = list_resources(deployed.config).removed
    assert kinds(found) == {"rule": 1, "endpoint": 1, "endpoint config": 2, "model": 2, "queue": 1, "pipeline": 2}
    assert [item.kind for item in found][:2] == ["rule", "endpoint"]
    alone = deployed.changed(f"aws.prefix={deployed.name}")
    more = list_resources(alone.config, packages=True, data=True).removed
    assert kinds(more) == {**kinds(found), "package": 2, "package group": 1, "S3 data": 1}


def test_nothing_is_removed_without_the_name(deployed: Any, groundloop: Any) -> None:
    before = list_resources(deployed.config)
    wrong = groundloop("destroy", typed="yes\n")
    assert (wrong.code, "nothing was removed" in wrong.error) == (1, True)
    assert groundloop("destroy", "--yes", "groundloop").code == 1
    assert "kept: model packages (--packages), S3 data (--data)" in groundloop("destroy", "--dry-run").out
    assert list_resources(deployed.config) == before


def test_the_name_removes_all_but_versions_and_data(deployed: Any, groundloop: Any) -> None:
    ran = groundloop("destroy", typed=f"{deployed.name}\n")
    assert ran.code == 0, ran.error
    assert ran.out.count("removed ") == 9
    assert list_resources(deployed.config).removed == []
    assert deployed.made() == ([], [])
    sagemaker = boto3.client("sagemaker")
    versions = sagemaker.list_model_packages(ModelPackageGroupName=deployed.name)["ModelPackageSummaryList"]
    assert len(versions) == 2
    assert f"there is nothing of {deployed.name!r} in us-east-1" in groundloop("destroy").out


def test_the_predict_pipeline_and_the_model_of_a_batch_job_are_listed(project: Any) -> None:
    sagemaker, name = boto3.client("sagemaker"), f"groundloop-batch-{project.name}"
    stop = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "nothing to predict here"}}
    role, definition = project.config.aws.role, json.dumps({"Version": "2020-12-01", "Steps": [stop]})
    sagemaker.create_pipeline(PipelineName=f"{project.name}-predict", PipelineDefinition=definition, RoleArn=role)
    package = {"ModelPackageName": project.register()}
    for owner in (project.name, "other"):
        tags = [{"Key": "groundloop:project", "Value": owner}]
        sagemaker.create_model(ModelName=f"{name}-{owner}", Containers=[package], ExecutionRoleArn=role, Tags=tags)
    found = [(item.kind, item.name) for item in list_resources(project.config).removed]
    assert ("pipeline", f"{project.name}-predict") in found
    assert [model for kind, model in found if kind == "model"] == [f"{name}-{project.name}"]


def test_versions_and_data_go_when_asked(deployed: Any, groundloop: Any) -> None:
    prefix, other = deployed.name, f"{deployed.name}ed/other.txt"
    boto3.client("s3").put_object(Bucket="groundloop-local", Key=other, Body=b"")
    alone = deployed.changed(f"aws.prefix={prefix}")
    ran = groundloop("destroy", "--packages", "--data", "--yes", deployed.name, given=alone)
    assert ran.code == 0, ran.error
    groups = boto3.client("sagemaker").list_model_package_groups(NameContains=deployed.name)
    assert groups["ModelPackageGroupSummaryList"] == []
    listed = boto3.client("s3").list_objects_v2(Bucket="groundloop-local")
    keys = [item["Key"] for item in listed["Contents"]]
    assert not [key for key in keys if key.startswith(f"{prefix}/")]
    assert other in keys, "another prefix that begins the same"


def test_what_others_made_stays(deployed: Any, groundloop: Any) -> None:
    sagemaker, events = boto3.client("sagemaker"), boto3.client("events")
    config = sagemaker.list_endpoint_configs(NameContains=deployed.name)["EndpointConfigs"][0]["EndpointConfigName"]
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    container = sagemaker.describe_model(ModelName=variants[0]["ModelName"])["Containers"][0]
    theirs = f"{deployed.name}-v9-0123456789"
    role = deployed.config.aws.role
    sagemaker.create_model(ModelName=f"{theirs}-0", ExecutionRoleArn=role, Containers=[container])
    sagemaker.create_endpoint_config(
        EndpointConfigName=theirs, ProductionVariants=[{**variants[0], "ModelName": f"{theirs}-0"}]
    )
    events.put_rule(Name=f"{deployed.name}-theirs", ScheduleExpression="rate(1 day)")
    assert groundloop("destroy", "--yes", deployed.name).code == 0
    assert deployed.made() == ([theirs], [f"{theirs}-0"]), "they look like ours and lack the tag"
    assert [rule["Name"] for rule in events.list_rules(NamePrefix=deployed.name)["Rules"]] == [
        f"{deployed.name}-theirs"
    ]


@pytest.fixture
def search(deployed: Any) -> Any:
    """A search for hyperparameters beside a project, as configs/tune.yaml describes one."""
    name = f"{deployed.name}-tune"
    search = deployed.changed(f"pipeline={{name: {name}, deploy_name: {name}-deploy}}", "triggers.enabled=false")
    search.upsert()
    return search


def test_a_project_beside_another_removes_what_is_its_own(deployed: Any, search: Any, groundloop: Any) -> None:
    before = list_resources(deployed.config)
    ran = groundloop("destroy", "--yes", search.name, given=search)
    assert ran.code == 0, ran.error
    assert f"kept: endpoint {deployed.name} (of '{deployed.name}'), model packages (--packages)" in ran.out
    assert [line for line in ran.out.splitlines() if line.startswith("removed ")] == [
        f"removed pipeline {search.name}",
        f"removed pipeline {search.name}-deploy",
    ]
    assert list_resources(deployed.config) == before


def test_an_endpoint_without_a_tag_is_of_every_pipeline_that_deploys_to_it(deployed: Any, search: Any) -> None:
    sagemaker = boto3.client("sagemaker")
    arn = deployed.endpoint()["EndpointArn"]
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["groundloop:project"])
    found = list_resources(deployed.config)
    assert [(item.name, item.note) for item in found.kept] == [(deployed.name, f"of '{search.name}-deploy'")]
    assert kinds(found.removed) == {"rule": 1, "endpoint config": 1, "model": 1, "queue": 1, "pipeline": 2}


def test_versions_and_data_of_two_projects_are_not_removed_by_one(deployed: Any, search: Any, groundloop: Any) -> None:
    containers = [{"Image": "i", "ModelDataUrl": "s3://b/m"}]
    members = {"ModelPackageGroupName": deployed.name, "InferenceSpecification": {"Containers": containers}}
    steps = [{"Name": "Register", "Type": "RegisterModel", "Arguments": members}]
    definition = json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": steps})
    boto3.client("sagemaker").update_pipeline(PipelineName=deployed.name, PipelineDefinition=definition)
    refused = groundloop("destroy", "--packages", "--dry-run", given=search)
    assert refused.code == 1
    assert refused.error == (
        f"--packages would delete what others use too: pipeline '{deployed.name}' works with group {deployed.name}; "
        "omit --packages, or destroy the others first"
    )
    refused = groundloop("destroy", "--data", "--dry-run", given=search)
    assert "works with s3://groundloop-local/groundloop/; omit --data" in refused.error


def test_the_labels_are_never_part_of_the_data(project: Any) -> None:
    inside = project.changed("labels.manifest=s3://groundloop-local/groundloop/labels/output.manifest")
    with pytest.raises(UserError, match="would delete your labels"):
        list_resources(inside.config, data=True)


def test_a_running_execution_has_to_be_stopped_first(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from groundloop.local.executor.steps import JobRunner

    release = __import__("threading").Event()
    monkeypatch.setattr(JobRunner, "run", lambda self, *_: release.wait(30) and {})
    sagemaker = boto3.client("sagemaker")
    sagemaker.start_pipeline_execution(PipelineName=f"{project.name}-deploy", ClientRequestToken=project.name * 12)
    with pytest.raises(UserError, match="is Executing"):
        list_resources(project.config)
    release.set()
    project.executions()


def test_json_lists_and_asks_nothing(deployed: Any, groundloop: Any) -> None:
    listed = json.loads(groundloop("destroy", "--json", "--dry-run").out)
    assert listed["pipeline"] == deployed.name
    assert listed["resources"][0] == {"kind": "rule", "name": f"{deployed.name}-approval", "note": ""}
    assert groundloop("destroy", "--json").code == 2
    assert json.loads(groundloop("destroy", "--json", "--yes", deployed.name).out)["resources"]
    assert list_resources(deployed.config).removed == []
