"""Pictures in the offline S3, a workteam, and its members in front of the portal, over HTTP as the page sends it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from PIL import Image

from groundloop.local import LocalAws
from groundloop.spec.labeling_jobs import TaskType, consolidation_lambda_arn, pre_lambda_arn
from tests.groundloop.review.conftest import PageClient, answer

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/groundloop-local"
SIZE = (40, 30)
CATEGORIES = {"document-version": "2018-11-28", "labels": [{"label": "bolt"}, {"label": "nut"}]}
TEMPLATE = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form><crowd-bounding-box name="boundingBox" header="Mark all parts"
  src="{{ task.input.taskObject | grant_read_access }}" labels="{{ task.input.labels | to_json | escape }}">
  <full-instructions header="How">Draw tight boxes.</full-instructions>
  <short-instructions>Draw <b>tight</b> boxes.</short-instructions>
</crowd-bounding-box></crowd-form>"""
Box = tuple[str, int, int, int, int]
NAMES = ("bolt", "nut")


class Member(PageClient):
    """A member of a workteam on the page of one queue."""

    base = ""

    def __init__(self, portal: str, kind: str, queue: str, name: str) -> None:
        super().__init__(portal)
        status, _, headers = super().send("GET", f"/enter/{kind}/{queue}/{quote(name, safe='')}")
        assert status == 303
        self.base, _, token = headers["Location"].partition("#")
        self.sign_in(token)

    def send(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str | None] | None = None
    ) -> tuple[int, Any, Any]:
        """Send a request below the queue's path."""
        return super().send(method, self.base.rstrip("/") + path, body, headers)

    def next(self) -> dict[str, Any] | None:
        """Return the next task; None when there is none."""
        tasks = self.post("/next", {"have": [], "count": 1})["tasks"]
        return tasks[0] if tasks else None

    def submit(self, *boxes: Box, **changes: Any) -> dict[str, Any]:
        """Answer the next task with boxes of class name, left, top, width and height; return the task."""
        task = self.next()
        assert task is not None, "there is no task left"
        drawn = [
            {"class_id": NAMES.index(name), "left": x, "top": y, "width": width, "height": height}
            for name, x, y, width, height in boxes
        ]
        self.post("/answers", answer(task["id"], **{"lease": task["lease"], "boxes": drawn, **changes}))
        return task


def store(aws: LocalAws, key: str, content: bytes | str) -> str:
    """Put an object into the bucket; returns its URI."""
    body = content if isinstance(content, bytes) else content.encode()
    aws.client("s3").put_object(Bucket="bucket", Key=key, Body=body)
    return f"s3://bucket/{key}"


def picture(number: int = 0) -> bytes:
    """Return an encoded picture of 40 x 30 pixels."""
    stream = io.BytesIO()
    Image.new("RGB", SIZE, (40 * number, 90, 120)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def images(aws: LocalAws) -> list[str]:
    """The URIs of three pictures."""
    return [store(aws, f"pictures/{number}.png", picture(number)) for number in range(3)]


@pytest.fixture
def new_team(sm: Any, unique: Callable[[str], str]) -> Callable[..., str]:
    """Create a workteam of some members; returns its ARN."""
    return lambda *members: create_team(sm, unique("team"), *members)


def create_team(sm: Any, name: str, *members: str) -> str:
    """Create a workteam of some members; returns its ARN."""
    created = sm.create_workteam(
        WorkteamName=name,
        Description="people of a test",
        MemberDefinitions=[{"OidcMemberDefinition": {"Groups": list(members)}}],
    )
    return str(created["WorkteamArn"])


@pytest.fixture(scope="module")
def team(aws: LocalAws) -> str:
    """The ARN of a workteam of ann, bob and cem."""
    return create_team(aws.client("sagemaker"), "people", "ann", "bob", "cem")


@pytest.fixture(scope="module")
def categories(aws: LocalAws) -> str:
    """The URI of the label categories bolt and nut."""
    return store(aws, "in/categories.json", json.dumps(CATEGORIES))


@pytest.fixture(scope="module")
def template(aws: LocalAws) -> str:
    """The URI of a template without initial boxes."""
    return store(aws, "in/template.html", TEMPLATE)


@pytest.fixture(scope="module")
def manifest(aws: LocalAws, images: Sequence[str]) -> str:
    """The URI of an input manifest of the three pictures."""
    return store(aws, "in/all.manifest", as_lines({"source-ref": uri} for uri in images))


def as_lines(lines: Iterable[Mapping[str, Any]]) -> str:
    """Return the content of a manifest."""
    return "".join(json.dumps(line) + "\n" for line in lines)


@pytest.fixture
def job_request(
    aws: LocalAws, manifest: str, team: str, categories: str, template: str, unique: Callable[[str], str]
) -> Callable[..., dict[str, Any]]:
    """A CreateLabelingJob request; keywords of `task` change its HumanTaskConfig, others the request."""

    def build(
        lines: Sequence[Mapping[str, Any]] | None = None,
        task_type: TaskType = TaskType.BOUNDING_BOX,
        template: str = template,
        task: Mapping[str, Any] | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        name = unique("job")
        source = manifest if lines is None else store(aws, f"in/{name}.manifest", as_lines(lines))
        request = {
            "LabelingJobName": name,
            "LabelAttributeName": "boxes",
            "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": source}}},
            "OutputConfig": {"S3OutputPath": "s3://bucket/out"},
            "RoleArn": ROLE,
            "LabelCategoryConfigS3Uri": categories,
            "HumanTaskConfig": {
                "WorkteamArn": team,
                "UiConfig": {"UiTemplateS3Uri": template},
                "PreHumanTaskLambdaArn": pre_lambda_arn(REGION, task_type),
                "TaskTitle": "Mark all parts",
                "TaskDescription": "Draw a box around each bolt and nut",
                "NumberOfHumanWorkersPerDataObject": 1,
                "TaskTimeLimitInSeconds": 600,
                "AnnotationConsolidationConfig": {
                    "AnnotationConsolidationLambdaArn": consolidation_lambda_arn(REGION, task_type)
                },
                **(task or {}),
            },
            **changes,
        }
        return {key: value for key, value in request.items() if value is not None}

    return build


@pytest.fixture
def create_job(sm: Any, job_request: Callable[..., dict[str, Any]]) -> Callable[..., str]:
    """Create a labelling job, and wait until its queue is there; returns its name."""

    def create(*given: Any, **changes: Any) -> str:
        request = job_request(*given, **changes)
        sm.create_labeling_job(**request)
        name = str(request["LabelingJobName"])
        sm.describe_labeling_job(LabelingJobName=name)
        return name

    return create


@pytest.fixture(scope="module")
def portal(aws: LocalAws, team: str) -> str:
    """The address of the portal."""
    return portal_of(aws, team.rpartition("/")[2])


def portal_of(aws: LocalAws, team: str) -> str:
    """Return the address of the portal."""
    url = aws.client("sagemaker").describe_workteam(WorkteamName=team)["Workteam"]["SubDomain"]
    return f"http://{urlsplit(url).netloc}"
