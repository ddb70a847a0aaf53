"""The files of a labelling job: input manifest, label categories, worker task template, output manifest."""

from __future__ import annotations

import html
import json
from html.parser import HTMLParser

import pytest

from groundloop.errors import UserError
from groundloop.labeling.input_manifest import chained_manifest, unlabelled_manifest
from groundloop.labeling.label_categories import label_categories, read_label_categories
from groundloop.labeling.output_manifest import read_output_manifest, read_verdicts
from groundloop.labeling.worker_template import labeling_template, review_template
from groundloop.labels.manifest import ManifestReader
from groundloop.labels.records import Line
from groundloop.spec.labeling_jobs import TaskType


def labelled(image: str, *boxes: int, **other: object) -> bytes:
    """A line with boxes at these places."""
    return json.dumps(
        {
            "source-ref": image,
            **other,
            "boxes": {
                "image_size": [{"width": 100, "height": 100, "depth": 3}],
                "annotations": [{"class_id": 0, "left": at, "top": at, "width": 9, "height": 9} for at in boxes],
            },
            "boxes-metadata": {
                "objects": [{"confidence": 0}] * len(boxes),
                "class-map": {"0": "nut"},
                "type": "groundtruth/object-detection",
            },
        }
    ).encode()


UNLABELLED = b'{"source-ref": "s3://b/3.jpg", "camera": "left"}'
FAILED = b'{"source-ref": "s3://b/4.jpg", "boxes-metadata": {"failure-reason": "expired"}}'
IMAGES = [f"s3://b/{number}.jpg" for number in range(6)]


def lines(*raw: bytes) -> list[Line]:
    """Lines as read."""
    reader = ManifestReader("boxes")
    return [reader.read_line(number, one) for number, one in enumerate(raw, start=1)]


class TestInputManifest:
    def test_holds_what_is_not_labelled_yet(self) -> None:
        known = lines(labelled("s3://b/1.jpg", 5), labelled("s3://b/2.jpg"), UNLABELLED, FAILED)

        manifest = unlabelled_manifest(IMAGES, known)

        assert manifest.content.splitlines() == [
            b'{"source-ref":"s3://b/0.jpg"}',
            UNLABELLED,
            FAILED,
            b'{"source-ref":"s3://b/5.jpg"}',
        ]
        assert (manifest.objects, manifest.labelled, manifest.later) == (4, 2, 0)

    def test_a_limit_draws_the_same_images_each_time(self) -> None:
        first = unlabelled_manifest(IMAGES, [], limit=2)
        again = unlabelled_manifest(reversed(IMAGES), [], limit=2)

        assert first == again
        assert (first.objects, first.later) == (2, 4)

    def test_a_rejected_line_is_not_labelled(self) -> None:
        outside = labelled("s3://b/1.jpg", 500)

        assert unlabelled_manifest(["s3://b/1.jpg"], lines(outside)).objects == 1

    def test_nothing_to_label_is_an_error(self) -> None:
        with pytest.raises(UserError, match="all of 1 images are labelled already"):
            unlabelled_manifest(["s3://b/1.jpg"], lines(labelled("s3://b/1.jpg")))

    def test_a_chained_job_gets_the_lines_with_labels_as_they_are(self) -> None:
        line = labelled("s3://b/1.jpg", 5, camera="left")

        manifest = chained_manifest(lines(line, UNLABELLED, FAILED))

        assert manifest.content == line + b"\n"

    def test_a_chained_job_without_labels_is_an_error(self) -> None:
        with pytest.raises(UserError, match="no image has labels of the earlier job"):
            chained_manifest(lines(UNLABELLED))

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            (b'{"source-ref": "s3://b/1.jpg", "note": "%s"}' % (b"x" * 20_001), "allows 20,000"),
            (
                b'{"source-ref": "s3://b/1.jpg", %s}'
                % b", ".join(b'"k%d": "%s"' % (n, b"x" * 15_000) for n in range(7)),
                "a labelling job takes 100,000",
            ),
        ],
        ids=["long attribute", "long line"],
    )
    def test_a_line_that_ground_truth_refuses_is_named(self, line: bytes, message: str) -> None:
        with pytest.raises(UserError, match=f"s3://b/1.jpg: .*{message}"):
            unlabelled_manifest([], lines(line))


class TestLabelCategories:
    def test_are_read_as_they_were_written(self) -> None:
        assert read_label_categories(label_categories(["nut", "ナット"]), "s3://b/c.json") == ("nut", "ナット")

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            ([], "which classes"),
            ([str(number) for number in range(51)], "takes 50 classes"),
            (["nut", "nut"], "given twice: nut"),
            (["n" * 257], "up to 256 characters"),
        ],
        ids=["none", "many", "twice", "long"],
    )
    def test_follow_ground_truths_rules(self, names: list[str], message: str) -> None:
        with pytest.raises(UserError, match=message):
            label_categories(names)


class Elements(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, dict[str, str | None]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag] = dict(attrs)


class TestWorkerTemplate:
    @pytest.mark.parametrize(
        ("page", "element", "attributes"),
        [
            (labeling_template(TaskType.BOUNDING_BOX, "t", ""), "crowd-bounding-box", {"labels"}),
            (
                labeling_template(TaskType.ADJUSTMENT, "t", "", "boxes"),
                "crowd-bounding-box",
                {"labels", "initial-value"},
            ),
            (
                labeling_template(TaskType.VERIFICATION, "t", "", "boxes", ["nut"]),
                "crowd-image-classifier",
                {"categories", "overlay"},
            ),
            (review_template("t", ""), "crowd-bounding-box", {"labels", "initial-value"}),
        ],
        ids=["draw", "adjust", "verify", "a2i"],
    )
    def test_has_the_element_of_the_task(self, page: str, element: str, attributes: set[str]) -> None:
        found = Elements(page).found

        assert {"crowd-form", element, "full-instructions", "short-instructions"} <= set(found)
        assert set(found[element]) == {"name", "src", "header"} | attributes
        assert found[element]["src"] == "{{ task.input.taskObject | grant_read_access }}"

    def test_shows_the_boxes_of_the_earlier_labels(self) -> None:
        page = labeling_template(TaskType.ADJUSTMENT, "t", "", "week-46")

        initial = Elements(page).found["crowd-bounding-box"]["initial-value"] or ""
        assert "{% for box in task.input.manifestLine.week-46.annotations %}" in initial
        assert "task.input.manifestLine.week-46-metadata.class-map[class_id]" in initial
        assert '"left": {{ box.left }}, "top": {{ box.top }}' in initial

    def test_verification_shows_the_classes_of_the_boxes(self) -> None:
        page = labeling_template(TaskType.VERIFICATION, "t", "", "boxes", ['the "nut"', "bolt"])

        overlay = html.unescape(Elements(page).found["crowd-image-classifier"]["overlay"] or "")
        assert '"labels": ["the \\"nut\\"", "bolt"]' in overlay

    def test_texts_are_shown_as_they_are(self) -> None:
        page = labeling_template(TaskType.BOUNDING_BOX, "<b> {{ secret }}", "first\n\nsecond {% if %}")

        assert "<b>" not in page
        assert "{{ secret" not in page
        assert "{% if" not in page
        assert page.count("<p>first</p><p>second") == 2


class TestOutputManifest:
    def test_is_counted_by_the_reader_of_the_pipeline(self) -> None:
        content = b"\n".join([labelled("s3://b/1.jpg", 5, 20), labelled("s3://b/2.jpg"), UNLABELLED, FAILED])

        found = read_output_manifest(content, "boxes")

        assert (found.labelled, found.negatives, found.unlabelled, found.failed) == (1, 1, 1, 1)
        assert (found.boxes, found.classes) == (2, ("nut",))

    def test_errors_come_first(self) -> None:
        content = UNLABELLED + b"\n" + labelled("s3://b/1.jpg", 500)

        found = read_output_manifest(content, "boxes")

        assert found.errors == 1
        assert found.findings[0].line == 2

    def test_an_empty_one_is_an_error(self) -> None:
        with pytest.raises(UserError, match="is empty"):
            read_output_manifest(b"", "boxes")

    def test_verdicts_are_by_name(self) -> None:
        content = b"\n".join(
            [
                b'{"source-ref": "s3://b/1.jpg", "v": "0", "v-metadata": {"class-name": "good"}}',
                b'{"source-ref": "s3://b/2.jpg", "v": "1", "v-metadata": {"class-name": "bad"}}',
                b'{"source-ref": "s3://b/3.jpg"}',
            ]
        )

        assert read_verdicts(content, "v") == {
            "good": ["s3://b/1.jpg"],
            "bad": ["s3://b/2.jpg"],
            "": ["s3://b/3.jpg"],
        }
