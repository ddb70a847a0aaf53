"""Human loops of A2I: their input, their requests, and their outputs as labels."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.labeling.flow_definition import flow_definition_request, human_task_ui_request
from groundloop.labeling.job_request import HumanTask
from groundloop.labeling.loop_input import loop_input, start_loop_request
from groundloop.labeling.loop_outputs import collect, fetch_outputs, output_uris
from groundloop.labels.manifest import ManifestReader
from groundloop.review.queue import Model, NewTask
from groundloop.review.wire import Shown, ShownBox

CLASSES = ("bolt", "nut")
FLOW = "arn:aws:sagemaker:us-east-1:123456789012:flow-definition/week-47"
MODEL = Model(
    package="arn:aws:sagemaker:us-east-1:123456789012:model-package/g/7", thresholds={"bolt": 0.5, "nut": 0.4}
)
TASK = NewTask(
    source_ref="s3://b/1.jpg",
    width=64,
    height=48,
    shown=Shown.MODEL,
    boxes=(
        ShownBox(class_id=1, left=1, top=2, width=3, height=4, score=0.9),
        ShownBox(class_id=0, left=5, top=6, width=7, height=8, score=0.3, counted=False),
    ),
    why=("about 2.3 mistakes expected",),
    expected_mistakes=2.3456,
    selected_by="expected-mistakes",
    split="train",
)


class TestInput:
    def test_holds_the_image_the_boxes_over_the_threshold_and_why(self) -> None:
        assert loop_input(TASK, CLASSES, "week-47", MODEL) == {
            "taskObject": "s3://b/1.jpg",
            "labels": ["bolt", "nut"],
            "initialValue": [{"label": "nut", "left": 1, "top": 2, "width": 3, "height": 4}],
            "scores": [0.9],
            "thresholds": {"bolt": 0.5, "nut": 0.4},
            "why": ["about 2.3 mistakes expected"],
            "groundloop-review": {
                "queue": "week-47",
                "selected-by": "expected-mistakes",
                "shown": "model",
                "split": "train",
                "model-package": MODEL.package,
                "expected-mistakes": 2.346,
            },
        }

    def test_an_image_on_disk_can_not_be_shown(self) -> None:
        with pytest.raises(UserError, match="is not in S3, and A2I shows no other images"):
            loop_input(NewTask(source_ref="1.jpg", width=1, height=1), CLASSES, "week-47")


class TestStarting:
    def test_the_same_content_gives_the_same_name(self) -> None:
        content = loop_input(TASK, CLASSES, "week-47", MODEL)

        first, again = start_loop_request(FLOW, content), start_loop_request(FLOW, dict(content))

        assert first == again
        assert first["HumanLoopName"].startswith("week-47-")
        assert json.loads(first["HumanLoopInput"]["InputContent"]) == content

    @pytest.mark.parametrize("changed", [{"why": []}, {"initialValue": []}], ids=str)
    def test_an_image_has_one_name_whatever_is_shown_on_it(self, changed: dict[str, Any]) -> None:
        content = loop_input(TASK, CLASSES, "week-47", MODEL)

        assert (
            start_loop_request(FLOW, content)["HumanLoopName"]
            == (start_loop_request(FLOW, {**content, **changed})["HumanLoopName"])
        )

    def test_other_images_and_other_flows_have_other_names(self) -> None:
        content = loop_input(TASK, CLASSES, "week-47", MODEL)
        requests = [
            start_loop_request(FLOW, content),
            start_loop_request(FLOW, {**content, "taskObject": "s3://b/2.jpg"}),
            start_loop_request(FLOW.replace("us-east-1", "us-west-2"), content),
        ]

        assert len({request["HumanLoopName"] for request in requests}) == 3

    def test_a_name_has_up_to_63_characters(self) -> None:
        flow = FLOW.replace("week-47", "a" * 45 + "-" + "b" * 17)

        assert len(start_loop_request(flow, {"taskObject": "s3://b/1.jpg"})["HumanLoopName"]) <= 63

    def test_input_that_is_too_long_is_an_error(self) -> None:
        with pytest.raises(
            UserError, match=r"human loop on s3://b/1.jpg: HumanLoopInput.InputContent.* is longer than"
        ):
            start_loop_request(FLOW, {"taskObject": "s3://b/1.jpg", "why": "x" * 3_145_729})


class TestFlowDefinition:
    TEAM = "arn:aws:sagemaker:us-east-1:123456789012:workteam/private-crowd/team"
    ROLE = "arn:aws:iam::123456789012:role/groundloop"

    def test_a_custom_task_has_no_conditions(self) -> None:
        task = HumanTask(self.TEAM, "Correct", "Correct the boxes", workers=2)

        request = flow_definition_request("week-47", task, self.ROLE, "s3://b/a2i", tags={"team": "vision"})

        assert set(request) == {"FlowDefinitionName", "HumanLoopConfig", "OutputConfig", "RoleArn", "Tags"}
        assert request["HumanLoopConfig"]["TaskCount"] == 2

    @pytest.mark.parametrize(
        ("name", "workers", "message"),
        [
            ("Week-47", 1, "FlowDefinitionName: 'Week-47' does not match"),
            ("week-47", 4, "human loops take up to 3 workers per image"),
        ],
    )
    def test_what_aws_would_refuse_is_said_before(self, name: str, workers: int, message: str) -> None:
        with pytest.raises(UserError, match=message):
            flow_definition_request(name, HumanTask(self.TEAM, "t", "d", workers), self.ROLE, "s3://b/a2i")

    def test_another_template_has_another_name(self) -> None:
        names = {human_task_ui_request("week-47", text, {})["HumanTaskUiName"] for text in ("a", "b", "a")}

        assert len(names) == 2


def output(name: str, image: str, *answers: list[dict[str, Any]] | None, at: str = "2026-11-20T10:00:00Z") -> bytes:
    """The output of a loop; each answer is a list of boxes."""
    return json.dumps(
        {
            "flowDefinitionArn": FLOW,
            "humanLoopName": name,
            "inputContent": {
                "taskObject": image,
                "labels": list(CLASSES),
                "groundloop-review": {"queue": "week-47", "selected-by": "audit", "shown": "nothing"},
            },
            "humanAnswers": [
                {
                    "answerContent": {
                        "boundingBox": {
                            "boundingBoxes": boxes,
                            "inputImageProperties": {"width": 64, "height": 48},
                        }
                    },
                    "submissionTime": at,
                    "workerId": f"private.us-east-1.{number}",
                }
                for number, boxes in enumerate(answers)
            ],
        }
    ).encode()


NUT = {"label": "nut", "left": 10, "top": 10, "width": 20, "height": 20}


class FakeS3:
    """As much of S3 as collecting needs, which counts what is read."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects
        self.read: list[str] = []

    def get_paginator(self, _: str) -> FakeS3:
        return self

    def paginate(self, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        return [{"Contents": [{"Key": key} for key in self.objects if key.startswith(Prefix)]}]

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        self.read.append(Key)
        return {"Body": io.BytesIO(self.objects[Key])}


class TestCollecting:
    PREFIX = "s3://b/a2i/week-47/"

    @pytest.fixture
    def s3(self) -> FakeS3:
        return FakeS3(
            {
                "a2i/week-47/2026/11/20/10/00/00/loop-1/output.json": output("loop-1", "s3://b/1.jpg", [NUT]),
                "a2i/week-47/2026/11/20/10/00/01/loop-2/output.json": output("loop-2", "s3://b/2.jpg", []),
                "a2i/week-470/2026/11/20/10/00/01/loop-3/output.json": output("loop-3", "s3://b/3.jpg", []),
            }
        )

    def test_outputs_are_found_by_the_flows_prefix(self, s3: FakeS3) -> None:
        assert set(output_uris(s3, self.PREFIX)) == {"loop-1", "loop-2"}

    def test_each_output_is_copied_once(self, s3: FakeS3, tmp_path: Path) -> None:
        assert fetch_outputs(s3, self.PREFIX, tmp_path) == 2
        s3.objects["a2i/week-47/2026/11/20/10/00/02/loop-4/output.json"] = output("loop-4", "s3://b/4.jpg", [])

        assert fetch_outputs(s3, self.PREFIX, tmp_path) == 1
        assert len(s3.read) == 3

    def test_the_answers_become_a_manifest_that_the_pipeline_reads(self, s3: FakeS3, tmp_path: Path) -> None:
        fetch_outputs(s3, self.PREFIX, tmp_path)

        found = collect(tmp_path)

        assert (found.images, found.boxes, found.negatives) == (2, 1, 1)
        assert found.loops == ("loop-1", "loop-2")
        first, second = (json.loads(line) for line in found.content.splitlines())
        assert first["bounding-box"]["annotations"] == [
            {"class_id": 1, "left": 10, "top": 10, "width": 20, "height": 20}
        ]
        assert first["bounding-box-metadata"]["class-map"] == {"0": "bolt", "1": "nut"}
        assert first["bounding-box-metadata"]["job-name"] == "a2i/loop-1"
        assert first["bounding-box-metadata"]["creation-date"] == "2026-11-20T10:00:00"
        assert second["groundloop-review"] == {
            "queue": "week-47",
            "selected-by": "audit",
            "shown": "nothing",
            "answers": 1,
            "workers": ["private.us-east-1.0"],
        }
        reader = ManifestReader("bounding-box")
        assert [reader.read_line(1, line).findings for line in found.content.splitlines()] == [(), ()]

    def test_collecting_again_gives_the_same_bytes(self, s3: FakeS3, tmp_path: Path) -> None:
        fetch_outputs(s3, self.PREFIX, tmp_path)
        first = collect(tmp_path)
        fetch_outputs(s3, self.PREFIX, tmp_path)

        assert collect(tmp_path) == first

    def test_of_two_loops_on_an_image_the_later_answer_counts(self, tmp_path: Path) -> None:
        later = output("loop-5", "s3://b/1.jpg", [], at="2026-11-21T10:00:00Z")
        s3 = FakeS3(
            {
                "a2i/week-47/2026/11/20/10/00/00/loop-1/output.json": output("loop-1", "s3://b/1.jpg", [NUT]),
                "a2i/week-47/2026/11/21/10/00/00/loop-5/output.json": later,
            }
        )
        fetch_outputs(s3, self.PREFIX, tmp_path)

        found = collect(tmp_path)

        assert (found.images, found.boxes) == (1, 0)
        assert b"a2i/loop-5" in found.content

    def test_boxes_of_several_workers_have_the_confidence_of_their_consolidation(self, tmp_path: Path) -> None:
        (tmp_path / "loop-6").mkdir()
        twice = output("loop-6", "s3://b/1.jpg", [NUT], [{**NUT, "left": 12}])
        (tmp_path / "loop-6" / "output.json").write_bytes(twice)

        line = json.loads(collect(tmp_path).content)

        (described,) = line["bounding-box-metadata"]["objects"]
        assert 0 < described["confidence"] < 1
        assert line["groundloop-review"]["answers"] == 2

    def test_no_output_yet_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="no human loop has an output yet"):
            collect(tmp_path)

    def test_a_copy_that_is_cut_off_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "loop-1").mkdir()
        (tmp_path / "loop-1" / "output.json").write_bytes(b'{"humanLoopName": "lo')

        with pytest.raises(UserError, match=r"loop-1/output\.json: is no output of a human loop"):
            collect(tmp_path)
