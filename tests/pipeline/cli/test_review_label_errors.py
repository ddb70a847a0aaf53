"""`groundloop review new Q --errors`: queues of images whose labels look wrong."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from groundloop.detections.evaluation import OutcomeRow
from groundloop.detections.table import write_outcomes
from groundloop.review.queue import NewTask, Queue
from groundloop.review.wire import Answer, Shown
from tests.fixtures.cli import Groundloop
from tests.groundloop.review.conftest import answer

CLASSES = ("bolt", "nut")
#: Where each image has a bolt; the model finds it exactly, unless an image is named below.
PLACE = (10, 10, 30, 30)
SWAPPED, MISSING, BLIND = "01", "02", "21"


def line(number: int, split: str) -> bytes:
    """Return the prepared manifest's line of an image."""
    name = f"{number:02}"
    left, top, right, bottom = PLACE
    box = {"class_id": int(name == SWAPPED), "left": left, "top": top, "width": right - left, "height": bottom - top}
    boxes = [] if name in (MISSING, BLIND) else [box]
    return msgspec.json.encode(
        {
            "source-ref": f"s3://b/images/{name}.png",
            "camera": split,
            "bounding-box": {"image_size": [{"width": 64, "height": 48, "depth": 3}], "annotations": boxes},
            "bounding-box-metadata": {
                "class-map": {"0": "bolt", "1": "nut"},
                "type": "groundtruth/object-detection",
                "objects": [{"confidence": 0}] * len(boxes),
            },
        }
    )


@pytest.fixture
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The folder of a local run with 20 validation and 10 test images, and the folder of their images."""
    monkeypatch.chdir(tmp_path)
    job = tmp_path / "run" / "jobs" / "pipelines-1-Evaluate-2" / "processing"
    evaluation, manifests = job / "output" / "evaluation", job / "input" / "manifests"
    for folder in (evaluation, manifests, tmp_path / "photos"):
        folder.mkdir(parents=True)
    metrics = {"classes": CLASSES, "class_thresholds": dict.fromkeys(CLASSES, 0.5)}
    (evaluation / "evaluation.json").write_text(json.dumps(metrics))
    rows = []
    box = (10.0, 10.0, 30.0, 30.0)
    for split, numbers in (("validation", range(20)), ("test", range(20, 30))):
        lines = [line(number, split) for number in numbers]
        (manifests / f"{split}.manifest").write_bytes(b"\n".join(lines) + b"\n")
        for number in numbers:
            name = f"{number:02}"
            right = name not in (SWAPPED, MISSING, BLIND)
            # What is wrong by the labels has the highest score: only the model's other detections speak for it.
            score, outcome = (0.9, "TP") if right else (0.95, "FP")
            rows.append(
                OutcomeRow(split, f"s3://b/images/{name}.png", outcome, "bolt", score, box, 1.0, box if right else None)
            )
    write_outcomes(evaluation / "detections.csv.gz", rows)
    Image.new("RGB", (64, 48)).save(tmp_path / "photos" / "00.png")
    return "run"


def tasks(name: str) -> dict[str, NewTask]:
    """Return the tasks of a queue by the number of the image."""
    queue = Queue.open(Path("reviews") / name)
    found = {Path(task.source_ref).stem: task for _, task in queue.tasks()}
    queue.close()
    return found


def test_suspicious_images_come_with_labels_and_reasons(groundloop: Groundloop, run_folder: str) -> None:
    result = groundloop("review", "new", "errors", "--errors", "--from", run_folder, "--images", "photos")
    assert result.code == 0, result.err
    assert result.out.splitlines()[:4] == [
        "3 of 30 validation and test images have suspicious labels: 2 missing, 1 swapped",
        "not all label errors are found: those that the model agrees with look right",
        "1 test images are shown without labels and reasons; --no-blind-test shows them",
        "made queue errors: 3 images, classes bolt, nut",
    ]
    made = tasks("errors")
    assert set(made) == {SWAPPED, MISSING, BLIND}
    swapped = made[SWAPPED]
    assert swapped.shown is Shown.LABELS
    assert [(box.class_id, box.left, box.top, box.width, box.height, box.score) for box in swapped.boxes] == [
        (1, 10, 10, 20, 20, None)
    ]
    assert swapped.why[0] == "label nut at (10, 10) looks swapped: detector says bolt 0.95"
    assert "ObjectLab" in swapped.why[-1]
    assert made[MISSING].why[0] == "no label at (10, 10): detector says bolt 0.95"
    assert {task.selected_by for task in made.values()} == {"label-error"}


@pytest.mark.parametrize(
    ("option", "shown", "reasons"),
    [
        pytest.param((), Shown.NOTHING, 0, id="blind by default"),
        pytest.param(("--no-blind-test",), Shown.LABELS, 1, id="shown when asked for"),
    ],
)
def test_test_images_are_corrected_blind(
    groundloop: Groundloop, run_folder: str, option: tuple[str, ...], shown: Shown, reasons: int
) -> None:
    command = ("review", "new", "errors", "--errors", "--from", run_folder, "--images", "photos", *option)
    assert groundloop(*command).code == 0
    task = tasks("errors")[BLIND]
    assert task.shown is shown
    assert sum("detector" in reason for reason in task.why) == reasons
    assert any("suspicion" in reason for reason in task.why) == bool(reasons)


def test_both_scores_are_printed_and_kept(groundloop: Groundloop, run_folder: str) -> None:
    result = groundloop("review", "new", "errors", "--errors", "--from", run_folder, "--images", "photos", "--json")
    printed = json.loads(result.out)
    assert printed == json.loads(Path("reviews/errors/label-errors.json").read_bytes())
    assert printed["errors"] == {"missing": 2, "spurious": 0, "swapped": 1, "badly placed": 0}
    by_name = {Path(task["source-ref"]).stem: task for task in printed["tasks"]}
    assert set(by_name[SWAPPED]["objectlab"]) == {"overlooked", "badly_located", "swapped", "image"}
    assert 0 < by_name[SWAPPED]["suspicion"] <= 1
    assert by_name[BLIND]["shown"] == "nothing"
    assert [error["kind"] for error in by_name[BLIND]["errors"]] == ["missing"]


def test_the_limit_takes_the_most_suspicious(groundloop: Groundloop, run_folder: str) -> None:
    command = ("--errors", "--from", run_folder, "--images", "photos", "--json")
    ranked = groundloop("review", "new", "all", *command).json["tasks"]
    assert [task["suspicion"] for task in ranked] == sorted((task["suspicion"] for task in ranked), reverse=True)
    assert groundloop("review", "new", "one", *command, "-n", "1").json["tasks"] == ranked[:1]


def test_corrections_say_how_they_were_chosen(groundloop: Groundloop, run_folder: str) -> None:
    assert groundloop("review", "new", "errors", "--errors", "--from", run_folder, "--images", "photos").code == 0
    queue = Queue.open(Path("reviews/errors"))
    (task_id,) = (number for number, task in queue.tasks() if Path(task.source_ref).stem == SWAPPED)
    box = {"class_id": 0, "left": 10, "top": 10, "width": 20, "height": 20, "from": 0}
    queue.answers.add("ann", msgspec.convert(answer(task_id, boxes=[box]), Answer))
    queue.close()
    assert groundloop("review", "finish", "errors").code == 0
    (written,) = Path("reviews/errors/reviewed.manifest").read_bytes().splitlines()
    label = json.loads(written)
    assert label["camera"] == "validation"
    assert label["bounding-box"]["annotations"][0]["class_id"] == 0
    assert label["bounding-box-metadata"]["adjustment-status"] == "adjusted"
    review = label["groundloop-review"]
    assert (review["selected-by"], review["shown"], review["model-package"]) == ("label-error", "labels", "run")
    assert "split" not in review


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--errors", "--images", "photos"], 2, "--errors needs --from"),
        (["--from", "run", "--json"], 2, "--json need --errors"),
        (["--errors", "--from", "run", "--audit", "0.2"], 2, "only --limit"),
        (["--errors", "--from", "run"], 1, "give their folder with --images"),
        (["--errors", "--from", "run", "--classes", "nut,bolt"], 1, "the model has the classes bolt, nut"),
    ],
)
def test_mistakes_are_explained(
    groundloop: Groundloop, run_folder: str, arguments: list[str], code: int, message: str
) -> None:
    result = groundloop("review", "new", "errors", *arguments)
    assert result.code == code
    assert message in " ".join(result.err.split())


def test_labels_that_the_model_agrees_with_make_no_queue(groundloop: Groundloop, run_folder: str) -> None:
    folder = Path("run/jobs/pipelines-1-Evaluate-2/processing/input/manifests")
    for split, number in (("validation", 5), ("test", 25)):
        (folder / f"{split}.manifest").write_bytes(line(number, split) + b"\n")
    result = groundloop("review", "new", "errors", "--errors", "--from", run_folder, "--images", "photos")
    assert result.code == 1
    assert "no label of the 2 validation and test images is suspicious" in result.error
