"""Who labelled how much and how well, and a queue in other services' files: the commands."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from groundloop.review.reviewers import pseudonym
from tests.fixtures.cli import Groundloop
from tests.fixtures.labelled_queue import ANN, BOB, SATO, labelled_queue

IMAGE = "s3://groundloop-local/images/photos/1.png"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a queue that people have worked on."""
    monkeypatch.chdir(tmp_path)
    labelled_queue(Path("reviews/week-47")).close()
    return tmp_path


def gold_line(image: str, **more: Any) -> str:
    """Return a manifest line with one nut."""
    box = {"class_id": 1, "left": 10, "top": 10, "width": 30, "height": 30}
    label = {"image_size": [{"width": 200, "height": 100, "depth": 3}], "annotations": [box]}
    metadata = {"class-map": {"0": "bolt", "1": "nut"}, "type": "groundtruth/object-detection", "objects": [{}]}
    return json.dumps({"source-ref": image, "gold": label, "gold-metadata": metadata, **more}) + "\n"


class TestInsight:
    """`review insight`."""

    def test_a_queue_is_named_as_everywhere(self, groundloop: Groundloop) -> None:
        for source in ("week-47", "reviews/week-47", "reviews/week-47/queue.sqlite"):
            found = groundloop("review", "insight", source, "--json", "--rate", "36").json
            assert (found["source"]["name"], found["total"]["labels"]) == ("week-47", 10)
            assert found["cost"] == pytest.approx(0.60225)

    @pytest.mark.parametrize("form", ["a2i", "worker-response"])
    def test_an_export_is_a_source(self, groundloop: Groundloop, form: str) -> None:
        exported = groundloop("review", "export", "week-47", "--to", form, "--json").json
        assert (exported["images"], exported["answers"], exported["left_out"]) == (8, 10, 4)
        found = groundloop("review", "insight", exported["folder"], "--json").json
        assert (found["source"]["kind"], found["total"]["labels"], found["total"]["late"]) == (form, 10, None)

    def test_of_files_in_s3(self, groundloop: Groundloop, s3: Any) -> None:
        groundloop("review", "export", "week-47", "--to", "worker-response", "-o", "job")
        for file in Path("job").rglob("*"):
            if file.is_file():
                s3.put_object(Bucket="bucket", Key=f"out/{file.as_posix()}", Body=file.read_bytes())
        s3.put_object(Bucket="bucket", Key="out/job-2/annotations/worker-response/iteration-1/0/x.json", Body=b"{")
        found = groundloop("review", "insight", "s3://bucket/out", "--json").json
        assert (found["total"]["labels"], found["total"]["images"]) == (10, 8)
        assert [finding["file"] for finding in found["findings"]] == [
            "s3://bucket/out/job-2/annotations/worker-response/iteration-1/0/x.json"
        ]
        assert groundloop("review", "insight", "s3://bucket/other").error == (
            "s3://bucket/other: there are no files: give the output folder of a labelling job or of human loops"
        )

    def test_names_are_shown_on_a_terminal_only(self, groundloop: Groundloop, monkeypatch: pytest.MonkeyPatch) -> None:
        redirected = groundloop("review", "insight", "week-47").out
        assert pseudonym("week-47", ANN) in redirected
        assert "佐藤" not in redirected
        # The package has the command of the same name.
        module = importlib.import_module("pipeline.cli.review.insight")
        monkeypatch.setattr(module, "terminal_width", lambda: 80)
        shown = groundloop("review", "insight", "week-47").out
        assert all(name in shown and pseudonym("week-47", name) in shown for name in (ANN, BOB, SATO))
        assert "The names are those of the queue's reviewers" in shown

    def test_files(self, groundloop: Groundloop) -> None:
        out = groundloop("review", "insight", "week-47", "--html", "x/insight.html", "--csv", "tables").out
        assert out.splitlines()[-4:] == [
            *(f"written tables/{name}.csv" for name in ("workers", "days", "worker_days")),
            "written x/insight.html",
        ]
        assert Path("x/insight.html").read_text().startswith("<!doctype html>")

    def test_a_queue_that_nobody_has_worked_on(self, groundloop: Groundloop) -> None:
        labelled_queue(Path("reviews/new"), answered=0).close()
        out = groundloop("review", "insight", "new", "--html", "new.html").out
        assert "labels  0 by 0 workers" in out
        assert "to do   10 of 10 images, 12 answers" in out
        assert "worker " not in out
        assert Path("new.html").is_file()

    def test_gold_labels_in_any_format(self, groundloop: Groundloop) -> None:
        Path("gold.csv").write_text("image,label,left,top,width,height\n1.png,nut,10,10,30,30\n")
        found = groundloop("review", "insight", "week-47", "--gold", "gold.csv", "--json").json
        assert (found["total"]["gold"]["images"], found["total"]["gold"]["f1"]) == (1, pytest.approx(2 / 3))

    def test_gold_labels_of_one_attribute(self, groundloop: Groundloop) -> None:
        other = json.loads(gold_line(IMAGE))
        more = {"old": other["gold"], "old-metadata": other["gold-metadata"]}
        Path("gold.manifest").write_text(gold_line(IMAGE, **more))
        assert "--label-attribute" in groundloop("review", "insight", "week-47", "--gold", "gold.manifest").error
        chosen = ("--gold", "gold.manifest", "--label-attribute", "gold")
        assert "gold       F1 0.67, IoU 1.00, 1 label" in groundloop("review", "insight", "week-47", *chosen).out

    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            pytest.param(("week-48",), "there is no queue 'week-48' in reviews/: there are week-47", id="no queue"),
            pytest.param(("no/such/folder",), "no/such/folder does not exist", id="no folder"),
            pytest.param(("week-47", "--time-zone", "Mars/X"), "there is no time zone 'Mars/X'", id="no time zone"),
            pytest.param(("week-47", "--gold", "none.csv"), "none.csv", id="no gold labels"),
        ],
    )
    def test_mistakes(self, groundloop: Groundloop, arguments: tuple[str, ...], problem: str) -> None:
        result = groundloop("review", "insight", *arguments)
        assert result.code
        assert problem in result.error


class TestExport:
    """`review export`."""

    def test_below_the_queue_by_default(self, groundloop: Groundloop) -> None:
        out = groundloop("review", "export", "week-47", "--to", "a2i").out
        assert "written   reviews/week-47/a2i, 8 files" in out
        assert len(list(Path("reviews/week-47/a2i").rglob("output.json"))) == 8

    def test_nothing_is_overwritten(self, groundloop: Groundloop) -> None:
        groundloop("review", "export", "week-47", "--to", "a2i")
        assert "nothing is overwritten" in groundloop("review", "export", "week-47", "--to", "a2i").error
