"""`groundloop evaluate`: figures and report from files alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from groundloop.errors import UserError
from pipeline.cli.main import app

Run = Callable[..., Any]
MAP = {"0": "bolt", "1": "nut"}


def _line(key: str, class_ids: list[int], class_map: dict[str, str] = MAP) -> dict[str, Any]:
    boxes = [{"class_id": one, "left": 10 * n, "top": 0, "width": 10, "height": 20} for n, one in enumerate(class_ids)]
    return {
        "source-ref": f"s3://bucket/{key}",
        "screws": {"image_size": [{"width": 100, "height": 50, "depth": 3}], "annotations": boxes},
        "screws-metadata": {
            "objects": [{"confidence": 0}] * len(boxes),
            "class-map": class_map,
            "type": "groundtruth/object-detection",
        },
    }


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Writes lines and perfect predictions, then runs the command in that folder."""

    def go(lines: list[dict[str, Any]], *arguments: str, raw: bytes = b"") -> Any:
        (tmp_path / "outputs").mkdir(exist_ok=True)
        for line in lines:
            if "screws" not in line:
                continue
            boxes = line["screws"]["annotations"]
            rows = [[box["class_id"], 0.9, box["left"] / 100, 0, (box["left"] + 10) / 100, 0.4] for box in boxes]
            name = line["source-ref"].rpartition("/")[2]
            (tmp_path / "outputs" / f"{name}.out").write_text(json.dumps({"prediction": rows}))
        data = b"".join(json.dumps(line).encode() + b"\n" for line in lines) + raw
        (tmp_path / "test.manifest").write_bytes(data)
        paths = ("--truth", str(tmp_path / "test.manifest"), "--predictions", str(tmp_path / "outputs"))
        output = ("-o", str(tmp_path / "evaluation"), "--resamples", "20")
        return CliRunner().invoke(app, ["evaluate", *paths, *output, *arguments])

    return go


def test_it_prints_the_figures_and_writes_all_files(run: Run, tmp_path: Path) -> None:
    done = run([_line("a.jpg", [0, 1]), _line("b.jpg", [1])])
    assert done.exit_code == 0, done.output
    assert re.search(r"AP50 +1\.000", done.output)
    assert "note: thresholds are chosen on the images that are scored" in done.output
    assert (tmp_path / "evaluation" / "report.html").is_file()
    assert json.loads((tmp_path / "evaluation" / "evaluation.json").read_bytes())["classes"] == ["bolt", "nut"]


def test_json_is_the_evaluation_alone_on_stdout(run: Run) -> None:
    done = run([_line("a.jpg", [0, 1])], "--json")
    assert json.loads(done.stdout)["map_50"] == pytest.approx(1)


def test_a_missed_requirement_is_an_error(run: Run) -> None:
    lines = [_line("a.jpg", [0, 1]), _line("b.jpg", [1])]
    assert run(lines, "--require", "per_class.nut.recall >= 0.9").exit_code == 0
    done = run(lines, "--require", "count.exact_share <= 0.5")
    assert isinstance(done.exception, UserError)
    assert "0.500 over its threshold 0.5" in str(done.exception)


def test_thresholds_come_from_validation_where_there_is_one(run: Run, tmp_path: Path) -> None:
    lines = [_line("a.jpg", [0, 1]), _line("b.jpg", [1])]
    (tmp_path / "validation.manifest").write_text(json.dumps(lines[1]) + "\n")
    done = run(lines, "--validation", str(tmp_path / "validation.manifest"))
    assert done.exit_code == 0, done.exception
    assert "chosen on the images that are scored" not in done.output


def _corrections(tmp_path: Path, *lines: dict[str, Any]) -> tuple[str, str]:
    path = tmp_path / "reviewed.manifest"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return "--corrections", str(path)


def test_corrected_labels_are_scored_beside_the_old_ones(run: Run, tmp_path: Path) -> None:
    lines = [_line("a.jpg", [0, 1]), _line("b.jpg", [1, 0])]
    seen = {**_line("b.jpg", [1]), "groundloop-review": {"shown": "labels"}}
    done = run(lines, *_corrections(tmp_path, seen, _line("elsewhere.jpg", [0])))
    assert done.exit_code == 0, done.exception
    assert "the labels of 1 of 2 test images were corrected by" in done.output
    assert re.search(r"precision +1\.000 +0\.750", done.output)
    evaluation = json.loads((tmp_path / "evaluation" / "evaluation.json").read_bytes())
    assert evaluation["at_threshold"]["precision"] == 0.75
    changes = evaluation["label_corrections"]
    assert (changes["changed_images"], changes["changed_in_view"]) == (1, 1)
    assert changes["after"]["candidate"]["map_50"] == evaluation["map_50"]
    assert "Metrics before and after the label corrections" in (tmp_path / "evaluation" / "report.html").read_text()


def test_corrections_that_change_nothing_are_noted(run: Run, tmp_path: Path) -> None:
    lines = [_line("a.jpg", [0, 1]), _line("b.jpg", [1])]
    done = run(lines, *_corrections(tmp_path, lines[0]))
    assert "has the same labels as" in done.output
    assert "label_corrections" not in json.loads((tmp_path / "evaluation" / "evaluation.json").read_bytes())


def test_corrections_of_other_images_are_an_error(run: Run, tmp_path: Path) -> None:
    done = run([_line("a.jpg", [0, 1])], *_corrections(tmp_path, _line("elsewhere.jpg", [0])))
    assert isinstance(done.exception, UserError)
    assert "labels none of the images of the ground truth" in str(done.exception)


def test_lines_that_cannot_be_used_are_told(run: Run) -> None:
    done = run([_line("a.jpg", [0, 1]), _line("a.jpg", [1])], raw=b"{broken\n")
    assert "2 lines of" in done.output
    assert "(1 because a later line labels the same image)" in done.output


@pytest.mark.parametrize(
    ("lines", "arguments", "message"),
    [
        pytest.param(
            [_line("a.jpg", [0]), _line("b.jpg", [0], {"0": "nut"})],
            [],
            "class id 0 is 'bolt' on line 1 and 'nut' on line 2, so it is unknown which class an id",
            id="maps that contradict each other",
        ),
        pytest.param([_line("a.jpg", [1], {"1": "nut"})], [], "name no class 0", id="a gap in the classes"),
        pytest.param([_line("a.jpg", [0])], ["--classes", "nut"], "class 'bolt' is not in the", id="unlisted"),
        pytest.param([{"source-ref": "s3://b/a.jpg"}], [], "no line is valid", id="nothing labelled"),
        pytest.param([_line("a.jpg", [0])], ["--require", "f2 > 1"], "write METRIC >= NUMBER", id="no requirement"),
        pytest.param([_line("a.jpg", [0])], ["--threshold-rule", "f2"], "rule 'f2' is unknown", id="no rule"),
        pytest.param(
            [_line("a.jpg", [0])], ["--images", "nowhere"], "nowhere is not a folder", id="no folder of images"
        ),
        pytest.param([_line("a.jpg", [0])], ["--predictions", "nowhere"], "nowhere does not", id="no predictions"),
    ],
)
def test_what_cannot_be_evaluated_is_one_clear_error(
    run: Run, lines: list[dict[str, Any]], arguments: list[str], message: str
) -> None:
    done = run(lines, *arguments)
    assert isinstance(done.exception, UserError)
    assert message in str(done.exception)


def test_without_validation_the_threshold_is_said_to_be_chosen_on_the_scored_images(run: Run) -> None:
    done = run([_line("a.jpg", [0, 1]), _line("b.jpg", [1])])
    assert "  best F1 on the scored images, over all classes\n" in done.output
    assert "on validation" not in done.output


def test_the_intervals_are_those_of_the_evaluate_job_by_default() -> None:
    from inspect import signature

    from groundloop.detections.evaluate import evaluate
    from steps.evaluate.from_files import evaluate_files
    from steps.evaluate.job import parse
    from steps.evaluate.settings import EvaluateSettings

    seeds = {signature(function).parameters["seed"].default for function in (evaluate, evaluate_files)}
    assert seeds == {EvaluateSettings().intervals.seed} == {parse([]).interval_seed}


def test_metrics_by_the_values_of_a_key(run: Run) -> None:
    lines = [_line("a.jpg", [0, 1]) | {"site": "Ulm"}, _line("b.jpg", [1]) | {"site": "Jena"}, _line("c.jpg", [0])]
    done = run(lines, "--slice", "site", "--require", "slices.site.Ulm.recall >= 0.8")
    assert done.exit_code == 0, done.output
    assert re.search(r"site +images +AP50", done.output)
    assert re.search(r"Ulm +1 +1\.000", done.output)
    assert re.search(r"\(none\) +1 +1\.000", done.output)
    assert "slices.site.Ulm.recall 1.000 >= 0.8" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--slice", "sites"], "no line has the key 'sites' to slice by; did you mean 'site'?", id="key"),
        pytest.param(
            ["--require", "slices.site.Ulm.recall >= 0.8"],
            "the metrics aren't sliced by 'site'; add it to --slice, which has none",
            id="not sliced by",
        ),
    ],
)
def test_slices_that_there_are_not(run: Run, arguments: list[str], message: str) -> None:
    done = run([_line("a.jpg", [0, 1]) | {"site": "Ulm"}], *arguments)
    assert isinstance(done.exception, UserError)
    assert message in str(done.exception)
