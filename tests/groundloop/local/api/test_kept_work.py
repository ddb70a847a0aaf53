"""The work of people is part of the offline AWS's state: kept with it, and gone with it."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from groundloop.local import LocalAws
from groundloop.spec.labeling_jobs import TaskType, consolidation_lambda_arn, pre_lambda_arn
from tests.groundloop.local.api.conftest import (
    CATEGORIES,
    REGION,
    ROLE,
    TEMPLATE,
    Member,
    as_lines,
    create_team,
    picture,
    portal_of,
    store,
)
from tests.groundloop.review.conftest import answer

LOOP = {"taskObject": "s3://bucket/1.png", "labels": ["bolt", "nut"]}


def fill(aws: LocalAws) -> str:
    """Make a workteam with a labelling job of two images and a human loop; returns the portal's address."""
    s3, sm, a2i = (aws.client(service) for service in ("s3", "sagemaker", "sagemaker-a2i-runtime"))
    s3.create_bucket(Bucket="bucket")
    uris = [store(aws, f"{number}.png", picture(number)) for number in range(2)]
    store(aws, "in.manifest", as_lines({"source-ref": uri} for uri in uris))
    store(aws, "classes.json", json.dumps(CATEGORIES))
    store(aws, "page.html", TEMPLATE)
    team = create_team(sm, "team", "ann")
    task = {"WorkteamArn": team, "TaskTitle": "Mark", "TaskDescription": "Mark all"}
    sm.create_labeling_job(
        LabelingJobName="job",
        LabelAttributeName="boxes",
        InputConfig={"DataSource": {"S3DataSource": {"ManifestS3Uri": "s3://bucket/in.manifest"}}},
        OutputConfig={"S3OutputPath": "s3://bucket/out"},
        RoleArn=ROLE,
        LabelCategoryConfigS3Uri="s3://bucket/classes.json",
        HumanTaskConfig={
            **task,
            "UiConfig": {"UiTemplateS3Uri": "s3://bucket/page.html"},
            "PreHumanTaskLambdaArn": pre_lambda_arn(REGION, TaskType.BOUNDING_BOX),
            "AnnotationConsolidationConfig": {
                "AnnotationConsolidationLambdaArn": consolidation_lambda_arn(REGION, TaskType.BOUNDING_BOX)
            },
            "NumberOfHumanWorkersPerDataObject": 1,
            "TaskTimeLimitInSeconds": 600,
        },
    )
    ui = sm.create_human_task_ui(HumanTaskUiName="ui", UiTemplate={"Content": TEMPLATE})["HumanTaskUiArn"]
    flow = sm.create_flow_definition(
        FlowDefinitionName="flow",
        HumanLoopConfig={**task, "HumanTaskUiArn": ui, "TaskCount": 1},
        OutputConfig={"S3OutputPath": "s3://bucket/loops"},
        RoleArn=ROLE,
    )["FlowDefinitionArn"]
    a2i.start_human_loop(
        HumanLoopName="loop", FlowDefinitionArn=flow, HumanLoopInput={"InputContent": json.dumps(LOOP)}
    )
    a2i.describe_human_loop(HumanLoopName="loop")
    return portal_of(aws, "team")


def test_people_go_on_where_they_were(tmp_path: Path) -> None:
    with LocalAws(tmp_path, keep=True) as first:
        portal = fill(first)
        assert first.contents().items() >= {"open labelling job": 1, "open human loop": 1}.items()
        ann = Member(portal, "labeling-jobs", "job", "ann")
        ann.submit(("nut", 1, 2, 3, 4))
        task = ann.next()
    assert task is not None
    with LocalAws(tmp_path, keep=True) as second:
        sm, a2i = second.client("sagemaker"), second.client("sagemaker-a2i-runtime")
        assert portal_of(second, "team") == portal, "an open page finds the portal again"
        assert sm.describe_labeling_job(LabelingJobName="job")["LabelCounters"]["HumanLabeled"] == 1
        ann.post("/answers", answer(task["id"], lease=task["lease"]))
        assert sm.describe_labeling_job(LabelingJobName="job")["LabelingJobStatus"] == "Completed"
        Member(portal, "flow-definitions", "flow", "ann").submit()
        assert a2i.describe_human_loop(HumanLoopName="loop")["HumanLoopStatus"] == "Completed"
        manifest = second.client("s3").get_object(Bucket="bucket", Key="out/job/manifests/output/output.manifest")
        assert len(manifest["Body"].read().splitlines()) == 2
    with LocalAws(tmp_path, keep=True) as third:
        a2i = third.client("sagemaker-a2i-runtime")
        assert a2i.describe_human_loop(HumanLoopName="loop")["HumanLoopOutput"]["OutputS3Uri"]


def check_events(aws: LocalAws, portal: str) -> None:
    """Check that a rule's pipeline starts when the loop and the job end."""
    sm, events = aws.client("sagemaker"), aws.client("events")
    step = {"Name": "Say", "Type": "Fail", "Arguments": {"ErrorMessage": "done"}}
    definition = {"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": [step]}
    arn = sm.create_pipeline(
        PipelineName="p",
        PipelineDefinition=json.dumps(definition),
        ClientRequestToken="x" * 32,
        RoleArn=aws.role_arn,
    )["PipelineArn"]
    patterns = {
        "job": {
            "detail-type": ["SageMaker Ground Truth Labeling Job State Change"],
            "detail": {"LabelingJobStatus": ["Stopped"]},
        },
        "loop": {
            "detail-type": ["SageMaker A2I HumanLoop Status Change"],
            "detail": {"humanLoopStatus": ["Completed"], "humanLoopName": ["loop"]},
        },
    }
    for name, pattern in patterns.items():
        events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.sagemaker"], **pattern}))
        events.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": arn, "RoleArn": aws.role_arn}])
    Member(portal, "flow-definitions", "flow", "ann").submit()
    aws.client("sagemaker-a2i-runtime").describe_human_loop(HumanLoopName="loop")
    assert len(sm.list_pipeline_executions(PipelineName="p")["PipelineExecutionSummaries"]) == 1
    sm.stop_labeling_job(LabelingJobName="job")
    sm.describe_labeling_job(LabelingJobName="job")
    assert len(sm.list_pipeline_executions(PipelineName="p")["PipelineExecutionSummaries"]) == 2


def test_without_keeping_nothing_is_left_and_a_pipeline_can_start_when_work_ends(tmp_path: Path) -> None:
    with LocalAws(tmp_path) as aws:
        assert "worker-portal" not in {thread.name for thread in threading.enumerate()}, "it costs nothing until needed"
        check_events(aws, fill(aws))
        assert list(tmp_path.glob("portal/*/*/queue.sqlite"))
    assert not (tmp_path / "portal").exists()
