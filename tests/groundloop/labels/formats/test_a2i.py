"""Reading what people answered in human loops."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.formats.a2i import from_a2i
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.formats.format_name import FormatName
from groundloop.labels.formats.registry import detect
from groundloop.labels.records import Box

SAMPLES = Path(__file__).parents[5] / "shared/samples/a2i"

NUT = {"label": "nut", "left": 10, "top": 20, "width": 30, "height": 40}
BOLT = {"label": "bolt", "left": 100, "top": 0, "width": 100, "height": 100}


def answer(*boxes: dict[str, Any], name: str = "annotatedResult", **more: Any) -> dict[str, Any]:
    element = {"boundingBoxes": list(boxes), "inputImageProperties": {"height": 100, "width": 200}}
    return {
        "answerContent": {name: element | more},
        "submissionTime": "2020-05-01T18:24:53.742Z",
        "workerId": "ef7294f850a3d9d1",
    }


def loop(*answers: dict[str, Any], image: str = "s3://bucket/a.png", **content: Any) -> dict[str, Any]:
    return {
        "flowDefinitionArn": "arn:aws:sagemaker:us-east-1:111122223333:flow-definition/review",
        "humanLoopName": "loop-1",
        "inputContent": {"taskObject": image, "initialValue": "nut"} | content,
        "humanAnswers": list(answers),
    }


def put(folder: Path, *loops: dict[str, Any] | str) -> Path:
    """The loops as A2I lays them out, one second after the other."""
    for second, one in enumerate(loops):
        file = folder / f"review/2020/05/01/18/24/{second:02}/loop-{second}/output.json"
        file.parent.mkdir(parents=True)
        file.write_text(one if isinstance(one, str) else json.dumps(one))
    return folder


def only(dataset: LabelledDataset) -> LabelledImage:
    (image,) = dataset.images
    return image


def test_a_folder_of_loops_is_a_data_set(tmp_path: Path) -> None:
    found = from_a2i(put(tmp_path, loop(answer(NUT, BOLT)), loop(answer(), image="s3://bucket/b/empty.png")))
    assert found.images == (
        LabelledImage("s3://bucket/a.png", 200, 100, (Box("nut", 10, 20, 30, 40), Box("bolt", 100, 0, 100, 100))),
        LabelledImage("s3://bucket/b/empty.png", 200, 100),
    )
    assert found.classes == ("bolt", "nut")
    assert found.notes == ("not kept: who answered, when, and whether the boxes shown to them were changed",)


def test_one_file_of_any_name_is_a_data_set_too(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("\ufeff" + json.dumps(loop(answer(NUT))))
    assert from_a2i(tmp_path / "x.json").boxes == 1


@pytest.mark.parametrize(
    ("given", "boxes"),
    [
        pytest.param(answer(NUT, name="boundingBox"), 1, id="another name of the element"),
        pytest.param({"answerContent": [answer(NUT)["answerContent"]]}, 1, id="a list around it"),
        pytest.param(answer(NUT, initialValueModified=True), 1, id="an initial value changed"),
        pytest.param(answer(boundingBoxes=None), 0, id="null for no boxes"),
        pytest.param(answer(NUT, BOLT, more={"x": 1}), 2, id="unknown keys"),
        pytest.param(
            {"answerContent": {"comment": "blurred", "q": {"on": True}} | answer(NUT)["answerContent"]},
            1,
            id="other form fields",
        ),
        pytest.param(answer(NUT) | {"acceptanceTime": "x", "timeSpentInSeconds": 3.1}, 1, id="times of the work"),
    ],
)
def test_shapes_of_an_answer(tmp_path: Path, given: dict[str, Any], boxes: int) -> None:
    image = only(from_a2i(put(tmp_path, loop(given))))
    assert (image.width, image.height, len(image.boxes)) == (200, 100, boxes)


@pytest.mark.parametrize(
    ("content", "image"),
    [
        pytest.param({}, "s3://bucket/a.png", id="the usual key"),
        pytest.param({"other": "s3://bucket/c.png"}, "s3://bucket/a.png", id="the usual key before others"),
        pytest.param({"taskObject": None, "photo": "s3://b/c.JPG", "x": "s3://b/x.pdf"}, "s3://b/c.JPG", id="another"),
        pytest.param({"taskObject": "https://x/a.png", "u": "s3://b/a.png"}, "s3://b/a.png", id="a web address"),
        pytest.param({"taskObject": "s3://b/no-suffix"}, "s3://b/no-suffix", id="no suffix"),
        pytest.param({"taskObject": 4, "a": "s3://b/a.png", "b": "s3://b/a.png"}, "s3://b/a.png", id="the same twice"),
    ],
)
def test_the_image_is_found_in_the_input(tmp_path: Path, content: dict[str, Any], image: str) -> None:
    assert only(from_a2i(put(tmp_path, loop(answer(NUT), **content)))).name == image


def test_the_order_of_the_classes_is_that_of_the_input(tmp_path: Path) -> None:
    labels = ["nut", "washer", "bolt"]
    found = from_a2i(put(tmp_path, *(loop(answer(NUT), image=f"s3://b/{n}.png", labels=labels) for n in range(2))))
    assert found.classes == ("nut", "washer", "bolt")


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param([["nut", "bolt"], ["bolt", "nut"]], id="another order"),
        pytest.param([["bolt"], ["bolt"]], id="a used label is missing"),
    ],
)
def test_where_the_inputs_lists_cannot_be_kept_it_is_told(tmp_path: Path, labels: list[list[str]]) -> None:
    loops = [loop(answer(NUT, BOLT), image=f"s3://b/{n}.png", labels=one) for n, one in enumerate(labels)]
    found = from_a2i(put(tmp_path, *loops))
    assert found.classes == ("bolt", "nut")
    assert "the loops do not agree on one list of labels: the classes are in alphabetical order" in found.notes


def test_labels_of_the_input_that_are_no_list_of_names_are_not_taken_for_one(tmp_path: Path) -> None:
    assert from_a2i(put(tmp_path, loop(answer(NUT), labels={"nut": 1}))).classes == ("nut",)


def test_a_given_list_of_classes_counts_and_refuses_others(tmp_path: Path) -> None:
    folder = put(tmp_path, loop(answer(NUT), labels=["nut"]))
    assert from_a2i(folder, ["bolt", "nut"]).classes == ("bolt", "nut")
    with pytest.raises(UserError, match=r"00/loop-0/output\.json: the label 'nut' is in no list of classes \(bolt\)"):
        from_a2i(folder, ["bolt"])


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_several_loops_on_an_image_the_one_answered_last_counts(tmp_path: Path, order: tuple[int, int]) -> None:
    loops = [loop(answer(NUT)), loop(answer(BOLT) | {"submissionTime": "2020-05-01T18:24:53.743Z"})]
    found = from_a2i(put(tmp_path, *(loops[n] for n in order)))
    assert [box.class_name for box in only(found).boxes] == ["bolt"]
    left = order.index(0)
    assert any(
        note.startswith("1 human loops left out, because their images were reviewed again later, first: ")
        and note.endswith(f"loop-{left}/output.json")
        for note in found.notes
    )


def test_a_loop_without_an_answer_says_nothing(tmp_path: Path) -> None:
    later = loop(answer(NUT))
    found = from_a2i(put(tmp_path, loop(), loop(image="s3://bucket/b.png") | {"humanAnswers": None}, later))
    assert only(found).boxes
    assert found.notes[0].startswith("2 human loops ended without an answer and say nothing of their images, first: ")
    with pytest.raises(UserError, match="1 human loops and no answer of a person: they failed, were"):
        from_a2i(put(tmp_path / "none", loop()))


def test_workers_are_joined_and_what_falls_out_is_told(tmp_path: Path) -> None:
    others = [NUT | {"left": 12}, NUT | {"left": 15}]
    found = from_a2i(
        put(
            tmp_path,
            loop(answer(NUT, BOLT), answer(others[0]), answer(others[1])),
            loop(answer(NUT), answer(BOLT), image="s3://bucket/undecided.png"),
            loop(answer(), answer(), answer(NUT), image="s3://bucket/empty.png"),
        )
    )
    assert [image.name for image in found.images] == ["s3://bucket/a.png", "s3://bucket/empty.png"]
    (box,) = found.images[0].boxes
    assert box.class_name == "nut"
    assert box.left == 12  # the median of 10, 12 and 15
    assert found.images[1].boxes == ()
    assert found.notes[0].startswith("3 images have answers of several workers: boxes with an IoU of 0.5 ")
    assert found.notes[1].startswith("2 boxes on 2 images left out, because no majority of the workers drew them, ")
    assert found.notes[2].startswith("1 images left out, because the workers agree on no box, nor that there is none")
    with pytest.raises(UserError, match="agree on no box on any of 1 images"):
        from_a2i(put(tmp_path / "all", loop(answer(NUT), answer())))


def test_sizes_that_no_answer_gives_are_those_of_the_images(
    tmp_path: Path, make_image: Callable[[Path, int, int], None]
) -> None:
    make_image(tmp_path / "images/a.png", 300, 150)
    folder = put(tmp_path / "loops", loop(answer(NUT, inputImageProperties=None)))
    assert only(from_a2i(folder)).width == 0, "not known"
    assert only(from_a2i(folder, images=ImageFolder(tmp_path / "images"))).width == 300


WRONG: list[Any] = [
    pytest.param("{", r"no output of a human loop .*or cut off: copy it from S3 again", id="truncated"),
    pytest.param('{"answers": []}', "no output of a human loop", id="a worker response of Ground Truth"),
    pytest.param({"humanAnswers": 4}, r"expected `array \| null`, got `int`", id="answers of another type"),
    pytest.param(
        loop({"answerContent": {"transcription": "use lambda"}}),
        r"answer 1: 0 form elements hold boundingBoxes, not one \(elements: transcription\)",
        id="another task",
    ),
    pytest.param(
        loop({"answerContent": answer(NUT, name="one")["answerContent"] | answer(NUT, name="two")["answerContent"]}),
        r"2 form elements hold boundingBoxes, not one \(elements: one, two\)",
        id="two elements with boxes",
    ),
    pytest.param(loop({"answerContent": []}), "answerContent is a list of 0", id="an empty list"),
    pytest.param(loop(answer({"label": "nut"})), "annotatedResult: object missing required field", id="no side"),
    pytest.param(loop(answer(NUT | {"label": 3})), "expected `str`, got `int`", id="an id for a label"),
    pytest.param(loop(answer(NUT | {"label": ""})), r"length >= 1 - at `\$.boundingBoxes\[0\]\.label`", id="no label"),
    pytest.param(loop(answer(NUT | {"left": 190})), "answer 1: the box .* leaves the image", id="outside"),
    pytest.param(loop(answer(NUT | {"width": 0})), "has no area", id="no area"),
    pytest.param(loop(answer(NUT), taskObject="a.png"), "names no image: give the image's S3 URI", id="no image"),
    pytest.param(
        loop(answer(NUT), taskObject=None, one="s3://b/1.png", two="s3://b/2.png"),
        r"names several images \(one, two\)",
        id="several images",
    ),
    pytest.param(
        loop(answer(NUT), answer(NUT, inputImageProperties={"width": 100, "height": 200})),
        r"in different sizes \(100 x 200 and 200 x 100\)",
        id="two sizes",
    ),
]


@pytest.mark.parametrize(("content", "message"), WRONG)
def test_what_cannot_be_read_names_the_file(tmp_path: Path, content: dict[str, Any] | str, message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        from_a2i(put(tmp_path, content))
    assert str(raised.value).startswith(str(tmp_path))
    assert "\n" not in str(raised.value)


def test_two_loops_on_an_image_need_their_times(tmp_path: Path) -> None:
    undated = answer(NUT)
    del undated["submissionTime"]
    with pytest.raises(UserError, match=r"loop-1/output\.json: has no submissionTime, and .*loop-0/output\.json is on"):
        from_a2i(put(tmp_path, loop(answer(NUT)), loop(undated)))


def test_a_folder_without_output(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no output\.json: give the folder that the flow writes to"):
        from_a2i(tmp_path)


def test_it_is_recognised(tmp_path: Path) -> None:
    folder = put(tmp_path / "loops", loop(answer(NUT)))
    assert detect(folder) is FormatName.A2I
    assert detect(next(folder.rglob("output.json"))) is FormatName.A2I


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder of real samples is not beside the repository")
def test_answers_of_the_guide(tmp_path: Path) -> None:
    for name, boxes in (("crowd_bounding_box_answer_3", 2), ("gt_worker_answer_boundingBox_2", 4)):
        content = json.loads((SAMPLES / f"docs_{name}.json").read_text())
        folder = put(tmp_path / name, loop({"answerContent": content}))
        assert only(from_a2i(folder)).boxes[0].class_name in ("Dog", "squirrel")
        assert from_a2i(folder).boxes == boxes


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder of real samples is not beside the repository")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("docs_custom_task_output_transcribe.json", r"\(elements: transcription\)", id="custom task"),
        pytest.param("gt_worker_response_public5_2019.json", "no output of a human loop", id="worker response"),
        pytest.param("docs_crowd_bounding_box_answer_1.json", "no output of a human loop", id="an answer alone"),
        pytest.param("docs_eventbridge_humanloop_status_change.json", "no output of a human loop", id="event"),
    ],
)
def test_other_files_of_the_service_are_refused(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        from_a2i(SAMPLES / name)


def test_thousands_of_boxes_of_several_workers_are_not_compared(tmp_path: Path) -> None:
    many = answer(*[NUT] * 600)
    with pytest.raises(UserError, match=r"2 workers drew 1,200 boxes, more than the 1,000 that can be compared"):
        from_a2i(put(tmp_path, loop(many, many)))
    assert len(only(from_a2i(put(tmp_path / "one", loop(many)))).boxes) == 600
