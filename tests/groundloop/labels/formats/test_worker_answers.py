"""The answers of single workers, in Ground Truth's output folders and A2I's outputs: written and read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.labels.formats import answer_files as answer_files_module
from groundloop.labels.formats.a2i import from_a2i, input_content, loop_answers, output_json, output_key
from groundloop.labels.formats.answer_content import time_of
from groundloop.labels.formats.answer_files import answer_files
from groundloop.labels.formats.worker_response import (
    response_answers,
    worker_response_json,
    worker_response_key,
)
from groundloop.labels.records import Box
from groundloop.labels.worker_answers import Outcome, WorkerAnswer

SAMPLES = Path(__file__).parents[5] / "shared/samples/a2i"
NOON = datetime(2026, 11, 21, 12, 0, 0, 482_000, timezone.utc)
NUT, BOLT = Box("nut", 10, 20, 30, 40), Box("bolt", 100, 0, 50, 60)
ANSWER = WorkerAnswer(
    "s3://bucket/a.png",
    "private.week-47.8f3a1c2e",
    (NUT, BOLT),
    width=200,
    height=100,
    accepted=NOON,
    submitted=NOON + timedelta(seconds=8.25),
    seconds=6.125,
    shown=(NUT,),
    comment="the left one is <rusty>",
)
OTHER = replace(ANSWER, worker="private.week-47.00000001", boxes=(), comment="", seconds=None, accepted=None)
FLOW = "arn:aws:sagemaker:us-east-1:111122223333:flow-definition/review"


def put(folder: Path, files: dict[str, bytes | str]) -> Path:
    """Write files below a folder."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def line(image: str, **attributes: Any) -> str:
    """Return a line of an output manifest; attributes are lists of boxes, with metadata in `<name>_`."""
    fields: dict[str, Any] = {"source-ref": image}
    for name, (boxes, metadata) in attributes.items():
        fields[name] = {"image_size": [{"width": 200, "height": 100, "depth": 3}], "annotations": boxes}
        fields[f"{name}-metadata"] = {
            "objects": [{"confidence": 0}] * len(boxes),
            "class-map": {"0": "bolt", "1": "nut"},
            "type": "groundtruth/object-detection",
            "human-annotated": "yes",
            "creation-date": "2026-11-21T12:00:00",
            **metadata,
        }
    return json.dumps(fields) + "\n"


OLD: tuple[list[dict[str, Any]], dict[str, Any]] = (
    [{"class_id": 1, "left": 10, "top": 20, "width": 30, "height": 40}],
    {"creation-date": "2026-11-20T12:00:00"},
)
OLDER: tuple[list[dict[str, Any]], dict[str, Any]] = ([], {"creation-date": "2026-11-19T12:00:00"})
ADJUSTED: tuple[list[dict[str, Any]], dict[str, Any]] = ([], {"adjustment-status": "adjusted"})


class TestA2i:
    """Outputs of human loops."""

    def test_an_output_is_written_as_a2i_writes_it(self) -> None:
        written = json.loads(output_json(FLOW, "loop-1", {"taskObject": ANSWER.image}, [ANSWER]))
        nut = {"height": 40, "label": "nut", "left": 10, "top": 20, "width": 30}
        bolt = {"height": 60, "label": "bolt", "left": 100, "top": 0, "width": 50}
        assert written == {
            "flowDefinitionArn": FLOW,
            "humanAnswers": [
                {
                    "acceptanceTime": "2026-11-21T12:00:00.482Z",
                    "answerContent": {
                        "boundingBox": {
                            "boundingBoxes": [nut, bolt],
                            "initialValueModified": True,
                            "inputImageProperties": {"height": 100, "width": 200},
                        },
                        "comment": "the left one is <rusty>",
                    },
                    "submissionTime": "2026-11-21T12:00:08.732Z",
                    "timeSpentInSeconds": 6.125,
                    "workerId": "private.week-47.8f3a1c2e",
                }
            ],
            "humanLoopName": "loop-1",
            "inputContent": {"taskObject": "s3://bucket/a.png"},
        }

    def test_its_place_says_when_the_loop_was_made(self) -> None:
        assert output_key("review", NOON, "loop-1") == "review/2026/11/21/12/00/00/loop-1/output.json"

    def test_answers_come_back_as_they_were_written(self, tmp_path: Path) -> None:
        content = input_content(ANSWER.image, ["bolt", "nut"], ANSWER.shown)
        put(tmp_path, {output_key("review", NOON, "loop-1"): output_json(FLOW, "loop-1", content, [ANSWER, OTHER])})
        assert loop_answers(answer_files(str(tmp_path))).answers == (ANSWER, OTHER)

    def test_the_labels_are_those_that_the_format_reads(self, tmp_path: Path) -> None:
        content = input_content(ANSWER.image, ["nut", "bolt"], None)
        put(tmp_path, {output_key("review", NOON, "loop-1"): output_json(FLOW, "loop-1", content, [ANSWER])})
        found = from_a2i(tmp_path)
        assert found.classes == ("nut", "bolt")
        assert [(image.name, image.width, image.height, image.boxes) for image in found.images] == [
            ("s3://bucket/a.png", 200, 100, (NUT, BOLT))
        ]

    @pytest.mark.parametrize("outcome", [Outcome.SKIP, Outcome.UNSURE, Outcome.BAD_IMAGE])
    def test_a_skipped_image_has_no_answer(self, outcome: Outcome) -> None:
        with pytest.raises(ValueError, match=outcome.value):
            output_json(FLOW, "loop-1", {}, [replace(ANSWER, outcome=outcome)])

    @pytest.mark.parametrize(
        ("content", "shown", "blind"),
        [
            pytest.param({"initialValue": "nut"}, None, False, id="the name of a class"),
            pytest.param({}, None, False, id="nothing"),
            pytest.param({"initialValue": []}, (), False, id="a model that found nothing"),
            pytest.param(
                {"initialValue": [], "groundloop-review": {"shown": "nothing", "selected-by": "audit"}},
                *(None, True),
                id="an audit image",
            ),
            pytest.param(
                {"initialValue": [], "groundloop-review": {"shown": "nothing", "selected-by": "condition"}},
                *(None, False),
                id="shown without boxes",
            ),
        ],
    )
    def test_what_was_shown_is_in_the_input(
        self, tmp_path: Path, content: dict[str, Any], shown: tuple[Box, ...] | None, blind: bool
    ) -> None:
        written = output_json(FLOW, "loop-1", {"taskObject": ANSWER.image, **content}, [ANSWER])
        (answer,) = loop_answers(answer_files(str(put(tmp_path, {"x.json": written}) / "x.json"))).answers
        assert (answer.shown, answer.blind) == (shown, blind)

    def test_corrupted_files_are_findings(self, tmp_path: Path) -> None:
        good = output_json(FLOW, "loop-1", {"taskObject": ANSWER.image}, [ANSWER])
        put(tmp_path, {"a/output.json": good[:100], "b/output.json": good, "c/output.json": b"\xff"})
        found = loop_answers(answer_files(str(tmp_path)))
        assert len(found.answers) == 1
        assert [Path(finding.file).parent.name for finding in found.findings] == ["a", "c"]
        assert all(finding.message.startswith(finding.file) for finding in found.findings)

    def test_more_boxes_than_can_be_compared_are_a_finding_and_a_label(self, tmp_path: Path) -> None:
        many = replace(ANSWER, boxes=(NUT,) * 1001)
        put(tmp_path, {"output.json": output_json(FLOW, "loop-1", {"taskObject": ANSWER.image}, [many])})
        assert "1,001 boxes" in loop_answers(answer_files(str(tmp_path))).findings[0].message
        assert from_a2i(tmp_path).boxes == 1001

    @pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder of real samples is not beside the repository")
    def test_a_custom_task_is_a_finding(self) -> None:
        found = loop_answers(answer_files(str(SAMPLES / "docs_custom_task_output_transcribe.json")))
        assert not found.answers
        assert "elements: transcription" in found.findings[0].message


class TestGroundTruth:
    """Output folders of labelling jobs."""

    def test_a_response_is_written_as_ground_truth_writes_it(self) -> None:
        written = json.loads(worker_response_json([ANSWER, OTHER]))
        assert set(written) == {"answers"}
        assert written["answers"][0]["answerContent"]["boundingBox"]["inputImageProperties"] == {
            "height": 100,
            "width": 200,
        }
        assert set(written["answers"][1]) == {"answerContent", "submissionTime", "workerId"}

    def test_answers_come_back_as_they_were_written(self, tmp_path: Path) -> None:
        image = line("s3://bucket/0.png") + line(ANSWER.image, old=OLD, new=ADJUSTED)
        put(
            tmp_path,
            {
                "manifests/output/output.manifest": image,
                worker_response_key(1, NOON): worker_response_json([ANSWER, OTHER]),
            },
        )
        assert response_answers(answer_files(str(tmp_path))).answers == (ANSWER, OTHER)

    def test_consolidation_requests_name_the_images(self, tmp_path: Path) -> None:
        """Where a job was stopped there is no output manifest."""
        request = [{"datasetObjectId": "7", "dataObject": {"s3Uri": "s3://bucket/7.png"}, "annotations": []}]
        put(
            tmp_path,
            {
                "job/annotations/consolidated-annotation/consolidation-request/iteration-1/x.json": json.dumps(request),
                f"job/{worker_response_key(7, NOON)}": worker_response_json([ANSWER]),
                f"job/{worker_response_key(8, NOON)}": worker_response_json([ANSWER]),
            },
        )
        answers = response_answers(answer_files(str(tmp_path))).answers
        assert [answer.image for answer in answers] == ["s3://bucket/7.png", "job/object 8"]

    @pytest.mark.parametrize(
        "request_",
        [
            pytest.param("[{", id="cut off"),
            pytest.param('[{"datasetObjectId": "7"}]', id="without its image"),
            pytest.param('[{"datasetObjectId": 7, "dataObject": {}}]', id="an id that is no text"),
        ],
    )
    def test_corrupted_consolidation_requests_are_findings(self, tmp_path: Path, request_: str) -> None:
        name = "annotations/consolidated-annotation/consolidation-request/iteration-1/x.json"
        put(tmp_path, {name: request_, worker_response_key(7, NOON): worker_response_json([ANSWER])})
        found = response_answers(answer_files(str(tmp_path)))
        assert [answer.image for answer in found.answers] == ["object 7"]
        assert [finding.file for finding in found.findings] == [str(tmp_path / name)]

    def test_jobs_of_one_folder_have_their_own_images(self, tmp_path: Path) -> None:
        for job in ("a", "b"):
            put(
                tmp_path / job,
                {
                    "manifests/output/output.manifest": line(f"s3://bucket/{job}.png"),
                    worker_response_key(0, NOON): worker_response_json([ANSWER]),
                },
            )
        answers = response_answers(answer_files(str(tmp_path))).answers
        assert [answer.image for answer in answers] == ["s3://bucket/a.png", "s3://bucket/b.png"]

    @pytest.mark.parametrize(
        ("attributes", "shown"),
        [
            pytest.param({"old": OLD, "new": ADJUSTED}, (NUT,), id="an adjustment job"),
            pytest.param({"old": OLD, "new": ([], {})}, None, id="labelled again from nothing"),
            pytest.param({"older": OLDER, "old": OLD, "new": ADJUSTED}, (NUT,), id="the newest of two labels"),
            pytest.param({"new": ADJUSTED}, None, id="no other label"),
            pytest.param({}, None, id="not labelled"),
        ],
    )
    def test_what_was_shown_is_in_the_manifest(
        self, tmp_path: Path, attributes: dict[str, Any], shown: tuple[Box, ...] | None
    ) -> None:
        put(
            tmp_path,
            {
                "manifests/output/output.manifest": line(ANSWER.image, **attributes),
                worker_response_key(0, NOON): worker_response_json([ANSWER]),
            },
        )
        (answer,) = response_answers(answer_files(str(tmp_path))).answers
        assert answer.shown == shown

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            pytest.param('{"answers": [', "not JSON", id="cut off"),
            pytest.param('{"answers": [{}]}', "answerContent", id="no content"),
            pytest.param(b'{"answers": [\xff]}', "not UTF-8", id="another encoding"),
            pytest.param(
                worker_response_json([replace(ANSWER, boxes=(NUT,) * 1001)]), "1,001 boxes", id="too many boxes"
            ),
        ],
    )
    def test_corrupted_files_are_findings(self, tmp_path: Path, content: bytes | str, problem: str) -> None:
        bad, good = worker_response_key(0, NOON), worker_response_key(1, NOON)
        found = response_answers(answer_files(str(put(tmp_path, {bad: content, good: worker_response_json([ANSWER])}))))
        assert len(found.answers) == 1
        assert found.findings[0].file == str(tmp_path / bad)
        assert problem in found.findings[0].message

    @pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder of real samples is not beside the repository")
    def test_answers_of_another_task_are_findings_one_by_one(self, tmp_path: Path) -> None:
        sample = (SAMPLES / "gt_worker_response_public5_2019.json").read_bytes()
        found = response_answers(answer_files(str(put(tmp_path, {worker_response_key(0, NOON): sample}))))
        assert len(found.findings) == 5
        assert "elements: crowd-image-classifier" in found.findings[0].message

    @pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder of real samples is not beside the repository")
    @pytest.mark.parametrize(("number", "boxes"), [(1, 1), (2, 4)])
    def test_answers_of_the_guide(self, tmp_path: Path, number: int, boxes: int) -> None:
        content = json.loads((SAMPLES / f"docs_gt_worker_answer_boundingBox_{number}.json").read_text())
        response = {"answers": [{"answerContent": content, "submissionTime": "2019-04-18T16:30:15Z", "workerId": "w"}]}
        put(tmp_path, {worker_response_key(0, NOON): json.dumps(response)})
        (answer,) = response_answers(answer_files(str(tmp_path))).answers
        assert (len(answer.boxes), answer.width, answer.height) == (boxes, 2662, 3726)
        assert (answer.accepted, answer.seconds) == (None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "2019-04-18T16:30:15Z", datetime(2019, 4, 18, 16, 30, 15, tzinfo=timezone.utc), id="whole seconds"
        ),
        pytest.param("2019-04-18T16:30:15", datetime(2019, 4, 18, 16, 30, 15, tzinfo=timezone.utc), id="no zone"),
        pytest.param("", None, id="nothing"),
        pytest.param("yesterday", None, id="no time"),
        pytest.param("9999-12-31T23:59:59Z", None, id="beyond what a zone to the east can show"),
    ],
)
def test_times(text: str, expected: datetime | None) -> None:
    assert time_of(text) == expected


class TestFiles:
    """The files of a folder."""

    def test_a_missing_folder_is_named(self) -> None:
        with pytest.raises(UserError, match="no-such-folder does not exist"):
            answer_files("no-such-folder")

    def test_an_empty_folder_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="there are no files"):
            answer_files(str(tmp_path))

    def test_their_number_is_bounded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(answer_files_module, "MAX_FILES", 1)
        with pytest.raises(UserError, match="more than 1 files"):
            answer_files(str(put(tmp_path, {"a": "", "b": ""})))

    def test_their_size_is_bounded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(answer_files_module, "MAX_FILE_BYTES", 10)
        found = loop_answers(answer_files(str(put(tmp_path, {"output.json": "{" * 11}))))
        assert "11 bytes, too large" in found.findings[0].message
