"""`import groundloop`: light, complete, and nothing outside the package is needed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import groundloop
from groundloop.errors import UserError
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.records import Box

PACKAGE = Path(groundloop.__file__).parent

FROM_LABELS_TO_REPORT = """
import json
from pathlib import Path

from PIL import Image

import groundloop

Path("images").mkdir()
Path("outputs").mkdir()
Image.new("RGB", (100, 80), "gray").save("images/a.jpg")
line = {
    "source-ref": "s3://bucket/images/a.jpg",
    "parts": {
        "image_size": [{"width": 100, "height": 80, "depth": 3}],
        "annotations": [{"class_id": 0, "left": 10, "top": 8, "width": 40, "height": 40}],
    },
    "parts-metadata": {
        "objects": [{"confidence": 1}],
        "class-map": {"0": "nut"},
        "type": "groundtruth/object-detection",
        "human-annotated": "yes",
    },
}
Path("output.manifest").write_text(json.dumps(line) + "\\n")
Path("outputs/a.jpg.out").write_text('{"prediction": [[0, 0.9, 0.1, 0.1, 0.5, 0.6]]}')

labels = groundloop.read_labels("output.manifest")
assert not [one for one in groundloop.check_manifest("output.manifest").findings if one.severity.value == "error"]
predictions = groundloop.read_predictions("outputs", labels)
evaluation = groundloop.score_predictions(labels, predictions, resamples=0)
assert evaluation.at_threshold.recall == 1.0
image = Image.open("images/a.jpg")
found = predictions["s3://bucket/images/a.jpg"]
found.draw(image, evaluation.threshold, labels.images[0].boxes).save("drawn.jpg")
print(groundloop.write_evaluation_report("report", evaluation, labels, predictions, images="images"))
print(groundloop.__file__)
"""


def labels_of(*images: LabelledImage) -> LabelledDataset:
    return LabelledDataset(images, ("bolt", "nut"))


def test_every_public_name_can_be_imported() -> None:
    assert [name for name in groundloop.__all__ if getattr(groundloop, name, None) is None] == []


def test_the_version_is_the_one_of_pyproject() -> None:
    text = (PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{groundloop.__version__}"\n' in text


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'groundloop' has no attribute 'read_label'"):
        getattr(groundloop, "read_label")  # noqa: B009 - mypy knows that there is no such name


def test_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, groundloop; print(sorted(n for n in sys.modules if n.startswith(('groundloop.', 'numpy'))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_library_works_without_the_rest_of_the_repository(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "groundloop", ignore=shutil.ignore_patterns("__pycache__"))
    site_packages = [entry for entry in sys.path if entry.endswith("site-packages")]
    # -S leaves out the editable install that would lead back to the repository, -I everything of the environment.
    start = f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; sys.path += {site_packages!r}\n"
    command = [sys.executable, "-I", "-S", "-c", start + FROM_LABELS_TO_REPORT]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [str(Path("report/report.html")), str(tmp_path / "groundloop/__init__.py")]
    assert (tmp_path / "report" / "report.html").stat().st_size > 0
    assert (tmp_path / "drawn.jpg").stat().st_size > 0


def test_labels_are_written_in_another_format_and_read_again(tmp_path: Path) -> None:
    labels = labels_of(LabelledImage("a.jpg", 320, 240, (Box("nut", 10, 20, 30, 40),)))
    groundloop.write_labels(labels, tmp_path / "labels.json", "coco")
    again = groundloop.read_labels(tmp_path / "labels.json")
    assert (again.images, again.classes) == (labels.images, labels.classes)


def test_file_names_become_uris_below_the_prefix(tmp_path: Path) -> None:
    labels = labels_of(LabelledImage("a.jpg", 320, 240, (Box("nut", 10, 20, 30, 40),)))
    groundloop.write_labels(labels, tmp_path / "out.manifest", "groundtruth", prefix="s3://bucket/images/")
    again = groundloop.read_labels(tmp_path / "out.manifest", label_format="groundtruth")
    assert [image.name for image in again.images] == ["s3://bucket/images/a.jpg"]


@pytest.mark.parametrize(
    ("path", "label_format", "message"),
    [
        pytest.param("missing.json", "auto", "does not exist", id="no such path"),
        pytest.param("missing.json", "cocoa", "unknown label format 'cocoa'; use one of groundtruth, coco", id="typo"),
    ],
)
def test_a_mistake_in_reading_is_a_message(tmp_path: Path, path: str, label_format: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        groundloop.read_labels(tmp_path / path, label_format=label_format)


def test_a_format_that_cannot_be_written_is_a_message(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot write the format 'a2i'; use one of groundtruth, coco"):
        groundloop.write_labels(labels_of(), tmp_path / "out", "a2i")


@pytest.mark.parametrize(
    ("image", "message"),
    [
        pytest.param(LabelledImage("b.jpg", 10, 10), "b.jpg has no prediction", id="no prediction"),
        pytest.param(LabelledImage("a.jpg", 0, 0), "the size of a.jpg is not known", id="no size"),
        pytest.param(
            LabelledImage("a.jpg", 10, 10, (Box("washer", 1, 1, 2, 2),)),
            "class 'washer' is not in the predictions' class list",
            id="unknown class",
        ),
    ],
)
def test_scoring_says_which_image_is_wrong(tmp_path: Path, image: LabelledImage, message: str) -> None:
    (tmp_path / "a.jpg.out").write_text('{"prediction": []}')
    predictions = groundloop.read_predictions(tmp_path, labels_of(LabelledImage("a.jpg", 10, 10)))
    with pytest.raises(UserError, match=message):
        groundloop.score_predictions(labels_of(image), predictions)


def test_predictions_of_two_class_lists_are_not_mixed(tmp_path: Path) -> None:
    (tmp_path / "a.jpg.out").write_text('{"prediction": []}')
    (tmp_path / "b.jpg.out").write_text('{"prediction": []}')
    one, other = labels_of(LabelledImage("a.jpg", 9, 9)), labels_of(LabelledImage("b.jpg", 9, 9))
    mixed = {
        **groundloop.read_predictions(tmp_path, one),
        **groundloop.read_predictions(tmp_path, other, ["nut", "bolt"]),
    }
    with pytest.raises(UserError, match="different class lists"):
        groundloop.score_predictions(one, mixed)
