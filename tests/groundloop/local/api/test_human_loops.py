"""Human loops made by plain boto3 are worked on in the portal, and each writes A2I's output.json."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.local import LocalAws
from groundloop.local.context import now
from tests.groundloop.local.api.conftest import ROLE, TEMPLATE, Member

REVIEW = TEMPLATE.replace("labels=", 'initial-value="{{ task.input.initialValue | to_json | escape }}" labels=')
Start = Callable[..., str]


@pytest.fixture
def a2i(aws: LocalAws) -> Any:
    return aws.client("sagemaker-a2i-runtime")


@pytest.fixture
def flow_request(sm: Any, team: str, unique: Callable[[str], str]) -> Callable[..., dict[str, Any]]:
    """A CreateFlowDefinition request; keywords of `config` change its HumanLoopConfig, others the request."""

    def build(template: str = REVIEW, config: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        name = unique("flow")
        ui = sm.create_human_task_ui(HumanTaskUiName=name, UiTemplate={"Content": template})["HumanTaskUiArn"]
        return {
            "FlowDefinitionName": name,
            "HumanLoopConfig": {
                "WorkteamArn": team,
                "HumanTaskUiArn": ui,
                "TaskTitle": "Check the parts",
                "TaskDescription": "Correct the boxes",
                "TaskCount": 1,
                **(config or {}),
            },
            "OutputConfig": {"S3OutputPath": "s3://bucket/loops"},
            "RoleArn": ROLE,
            **changes,
        }

    return build


@pytest.fixture
def new_flow(sm: Any, flow_request: Callable[..., dict[str, Any]]) -> Start:
    """Create a flow definition; returns its ARN."""
    return lambda *given, **changes: sm.create_flow_definition(**flow_request(*given, **changes))["FlowDefinitionArn"]


@pytest.fixture
def start(a2i: Any, unique: Callable[[str], str]) -> Start:
    """Start a human loop on an image; returns its name."""

    def start(flow: str, image: str, name: str | None = None, **content: Any) -> str:
        name = name or unique("loop")
        given = {"taskObject": image, "labels": ["bolt", "nut"], "initialValue": [], **content}
        a2i.start_human_loop(
            HumanLoopName=name, FlowDefinitionArn=flow, HumanLoopInput={"InputContent": json.dumps(given)}
        )
        a2i.describe_human_loop(HumanLoopName=name)
        return name

    return start


def queue_of(flow: str) -> str:
    return flow.rpartition("/")[2]


def test_a_loop_opens_in_the_queue_of_its_flow_and_writes_its_output(
    sm: Any, a2i: Any, new_flow: Start, start: Start, portal: str, get: Callable[[str], bytes], images: Sequence[str]
) -> None:
    flow = new_flow()
    described = sm.describe_flow_definition(FlowDefinitionName=queue_of(flow))
    assert (described["FlowDefinitionStatus"], described["HumanLoopConfig"]["TaskCount"]) == ("Active", 1)
    box = {"label": "nut", "left": 4, "top": 5.4, "width": 10, "height": 11}
    loop = start(flow, images[0], initialValue=[box], why=["0.41 near the threshold"])
    assert a2i.describe_human_loop(HumanLoopName=loop)["HumanLoopStatus"] == "InProgress"

    ann = Member(portal, "flow-definitions", queue_of(flow), "ann")
    assert ann.get("/queue")["name"] == f"{queue_of(flow)} (offline AWS)"
    task = ann.submit(("nut", 4, 5, 10, 12))
    (shown,) = task["boxes"]
    assert shown.items() >= {"class_id": 1, "left": 4, "top": 5, "width": 10, "height": 11, "counted": True}.items()
    assert task["why"] == ["0.41 near the threshold"]

    done = a2i.describe_human_loop(HumanLoopName=loop)
    assert done["HumanLoopStatus"] == "Completed"
    created = done["CreationTime"]
    uri = done["HumanLoopOutput"]["OutputS3Uri"]
    assert uri == f"s3://bucket/loops/{queue_of(flow)}/{created:%Y/%m/%d/%H/%M/%S}/{loop}/output.json"
    output = json.loads(get(uri))
    assert (output["flowDefinitionArn"], output["humanLoopName"]) == (flow, loop)
    assert output["inputContent"]["initialValue"] == [box]
    (answer,) = output["humanAnswers"]
    assert answer["answerContent"]["boundingBox"]["boundingBoxes"] == [
        {"height": 12, "label": "nut", "left": 4, "top": 5, "width": 10}
    ]
    assert answer["answerContent"]["boundingBox"]["inputImageProperties"] == {"height": 30, "width": 40}
    assert answer["answerContent"]["boundingBox"]["initialValueModified"] is True
    assert answer["workerId"].startswith("private.us-east-1.")


def test_every_worker_answers_for_himself(
    a2i: Any, new_flow: Start, start: Start, portal: str, get: Callable[[str], bytes], images: Sequence[str]
) -> None:
    flow = new_flow(config={"TaskCount": 2})
    loop = start(flow, images[0])
    for name in ("ann", "bob"):
        assert a2i.describe_human_loop(HumanLoopName=loop)["HumanLoopStatus"] == "InProgress"
        Member(portal, "flow-definitions", queue_of(flow), name).submit(("bolt", 1, 2, 3, 4))
    uri = a2i.describe_human_loop(HumanLoopName=loop)["HumanLoopOutput"]["OutputS3Uri"]
    answers = json.loads(get(uri))["humanAnswers"]
    assert len({answer["workerId"] for answer in answers}) == 2


def test_loops_come_to_people_who_are_waiting_also_on_an_image_that_was_there(
    a2i: Any, new_flow: Start, start: Start, portal: str, images: Sequence[str]
) -> None:
    flow = new_flow()
    first = start(flow, images[0])
    ann = Member(portal, "flow-definitions", queue_of(flow), "ann")
    task = ann.submit()
    assert ann.next() is None
    second = start(flow, images[0])
    ann.submit(("nut", 1, 1, 2, 2))
    for loop in (first, second):
        assert a2i.describe_human_loop(HumanLoopName=loop)["HumanLoopStatus"] == "Completed"
    status, body, _ = ann.send("POST", "/answers", {"task": task["id"]})
    assert (status, "is finished" in body["error"]) == (409, True)


def test_loops_with_other_labels_get_a_queue_of_their_own(
    new_flow: Start, start: Start, portal: str, images: Sequence[str]
) -> None:
    flow = new_flow()
    start(flow, images[0])
    start(flow, images[1], labels=["nut", "washer"])
    other = Member(portal, "flow-definitions", f"{queue_of(flow)}.2", "ann")
    assert [one["name"] for one in other.get("/queue")["classes"]] == ["nut", "washer"]


def test_the_same_loop_can_be_started_again_and_another_one_of_its_name_cant(
    a2i: Any, new_flow: Start, start: Start, images: Sequence[str]
) -> None:
    flow = new_flow()
    loop = start(flow, images[0])
    start(flow, images[0], name=loop)
    assert len(a2i.list_human_loops(FlowDefinitionArn=flow)["HumanLoopSummaries"]) == 1
    with pytest.raises(ClientError, match="another input") as raised:
        start(flow, images[1], name=loop)
    assert raised.value.response["Error"]["Code"] == "ConflictException"


def test_a_stopped_loop_has_no_output_and_its_task_is_given_to_nobody(
    a2i: Any, new_flow: Start, start: Start, portal: str, images: Sequence[str]
) -> None:
    flow = new_flow()
    loop = start(flow, images[0])
    with pytest.raises(ClientError, match="stop it first"):
        a2i.delete_human_loop(HumanLoopName=loop)
    a2i.stop_human_loop(HumanLoopName=loop)
    described = a2i.describe_human_loop(HumanLoopName=loop)
    assert described["HumanLoopStatus"] == "Stopped"
    assert "HumanLoopOutput" not in described
    assert Member(portal, "flow-definitions", queue_of(flow), "ann").next() is None
    content = json.dumps({"taskObject": images[0], "labels": ["nut"]})
    a2i.start_human_loop(HumanLoopName=f"{loop}-b", FlowDefinitionArn=flow, HumanLoopInput={"InputContent": content})
    a2i.stop_human_loop(HumanLoopName=f"{loop}-b")
    assert a2i.describe_human_loop(HumanLoopName=f"{loop}-b")["HumanLoopStatus"] == "Stopped"
    a2i.delete_human_loop(HumanLoopName=loop)
    with pytest.raises(ClientError) as raised:
        a2i.describe_human_loop(HumanLoopName=loop)
    assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param({"taskObject": "s3://bucket/nowhere.png"}, "not in S3", id="image"),
        pytest.param({"taskObject": "photo.png"}, "no image in S3", id="no URI"),
        pytest.param({"labels": []}, "no list of labels", id="labels"),
        pytest.param({"initialValue": [{"label": "nut", "left": 1}]}, "is not a box", id="box"),
        pytest.param(
            {"initialValue": [{"label": "cog", "left": 1, "top": 1, "width": 1, "height": 1}]},
            "'cog' of an initial value is none of the labels",
            id="label",
        ),
    ],
)
def test_an_input_that_the_template_cant_show_fails_the_loop(
    a2i: Any, new_flow: Start, start: Start, images: Sequence[str], content: dict[str, Any], message: str
) -> None:
    given = {"taskObject": images[0], **content}
    loop = start(new_flow(), given.pop("taskObject"), **given)
    described = a2i.describe_human_loop(HumanLoopName=loop)
    assert (described["HumanLoopStatus"], described["FailureCode"]) == ("Failed", "ValidationError")
    assert message in described["FailureReason"]


def test_loops_expire(
    a2i: Any, new_flow: Start, start: Start, images: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = start(new_flow(config={"TaskAvailabilityLifetimeInSeconds": 60}), images[0])
    monkeypatch.setattr("groundloop.local.portal.human_loops.now", lambda: now() + timedelta(seconds=61))
    described = a2i.describe_human_loop(HumanLoopName=loop)
    assert (described["HumanLoopStatus"], described["FailureCode"]) == ("Failed", "Expired")


def test_loops_are_listed_by_time(a2i: Any, new_flow: Start, start: Start, images: Sequence[str]) -> None:
    flow = new_flow()
    loops = [start(flow, uri) for uri in images]
    first = a2i.list_human_loops(FlowDefinitionArn=flow, MaxResults=2, SortOrder="Ascending")
    assert [one["HumanLoopName"] for one in first["HumanLoopSummaries"]] == loops[:2]
    rest = a2i.list_human_loops(FlowDefinitionArn=flow, SortOrder="Ascending", NextToken=first["NextToken"])
    assert [one["HumanLoopName"] for one in rest["HumanLoopSummaries"]] == loops[2:]
    after = first["HumanLoopSummaries"][0]["CreationTime"] + timedelta(days=1)
    assert a2i.list_human_loops(FlowDefinitionArn=flow, CreationTimeAfter=after)["HumanLoopSummaries"] == []
    with pytest.raises(ClientError) as raised:
        a2i.list_human_loops(FlowDefinitionArn=f"{flow}-none")
    assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"config": {"TaskCount": 4}}, "less than or equal to 3", id="count"),
        pytest.param({"HumanLoopConfig": None}, "HumanLoopConfig", id="no config"),
        pytest.param({"OutputConfig": {"S3OutputPath": "s3://none/out"}}, "there is no bucket none", id="bucket"),
        pytest.param({"FlowDefinitionName": "Flow"}, "regular expression pattern", id="name"),
        pytest.param(
            {"HumanLoopRequestSource": {"AwsManagedHumanLoopRequestSource": "AWS/Textract/AnalyzeDocument/Forms/V1"}},
            "not played offline",
            id="Textract",
        ),
        pytest.param(
            {"config": {"HumanTaskUiArn": "arn:aws:sagemaker:us-east-1:123456789012:human-task-ui/none"}},
            "Could not find human task UI",
            id="UI",
        ),
        pytest.param(
            {"template": TEMPLATE.replace("{{ task.input.labels | to_json | escape }}", "{% if 1 %}[]{% endif %}")},
            "Liquid code, which is not played offline",
            id="Liquid",
        ),
    ],
)
def test_what_aws_refuses_or_is_not_played_is_refused(
    sm: Any, flow_request: Callable[..., dict[str, Any]], changes: dict[str, Any], message: str
) -> None:
    request = {key: value for key, value in flow_request(**changes).items() if value is not None}
    with pytest.raises(ClientError, match=message) as raised:
        sm.create_flow_definition(**request)
    assert raised.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize(
    ("content", "message"),
    [pytest.param("no json", "not a JSON object", id="text"), pytest.param("[1]", "not a JSON object", id="list")],
)
def test_input_content_is_a_json_object(a2i: Any, new_flow: Start, content: str, message: str) -> None:
    with pytest.raises(ClientError, match=message) as raised:
        a2i.start_human_loop(
            HumanLoopName="loop", FlowDefinitionArn=new_flow(), HumanLoopInput={"InputContent": content}
        )
    assert raised.value.response["Error"]["Code"] == "ValidationException"


def test_flow_definitions_and_uis_are_listed_and_deleted(sm: Any, a2i: Any, new_flow: Start) -> None:
    flow = new_flow()
    name = queue_of(flow)
    listed = sm.list_flow_definitions(MaxResults=1)["FlowDefinitionSummaries"]
    assert [one["FlowDefinitionArn"] for one in listed] == [flow]
    assert sm.describe_human_task_ui(HumanTaskUiName=name)["UiTemplate"]["ContentSha256"]
    assert sm.list_human_task_uis(MaxResults=1)["HumanTaskUiSummaries"][0]["HumanTaskUiName"] == name
    sm.delete_flow_definition(FlowDefinitionName=name)
    sm.delete_human_task_ui(HumanTaskUiName=name)
    for describe in (
        partial(sm.describe_flow_definition, FlowDefinitionName=name),
        partial(sm.describe_human_task_ui, HumanTaskUiName=name),
    ):
        with pytest.raises(ClientError) as raised:
            describe()
        assert raised.value.response["Error"]["Code"] == "ResourceNotFound"
    with pytest.raises(ClientError, match="Could not find flow definition"):
        a2i.start_human_loop(HumanLoopName="loop", FlowDefinitionArn=flow, HumanLoopInput={"InputContent": "{}"})
