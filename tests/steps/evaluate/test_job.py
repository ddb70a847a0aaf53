from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from steps.evaluate.metric_names import NAMES, metrics_of

Evaluate = Callable[..., Any]


def test_perfect_predictions_score_one_everywhere(evaluate: Evaluate, case: Any) -> None:
    done = evaluate(case)
    assert done.code == 0
    metrics = done.metrics
    for name in ("map", "map_50", "map_75", "voc_map", "voc_map_07", "ar_100"):
        assert metrics[name] == pytest.approx(1)
    assert metrics["count"]["mae"] == metrics["count"]["bias"] == 0
    assert metrics["count"]["exact_share"] == 1
    assert metrics["threshold"] == 0.9
    assert metrics["class_thresholds"] == {"bolt": 0.9, "nut": 0.9}
    assert metrics["at_threshold"]["f1"] == 1
    assert metrics["confusion"]["matrix"] == [[2 - 1, 0, 0], [0, 2, 0], [0, 0, 0]]
    assert metrics["intervals"]["metrics"]["map_50"] == [1, 1]
    assert metrics["images"] == {"validation": 2, "test": 2}
    assert metrics["classes"] == ["bolt", "nut"]
    nut = metrics["per_class"]["nut"]
    assert nut["ap"] == nut["ap_50"] == nut["voc_ap"] == pytest.approx(1)
    assert (nut["boxes"], nut["precision"], nut["recall"], nut["true_positives"]) == (2, 1, 1, 2)


def test_scores_are_of_test_and_the_threshold_of_validation(evaluate: Evaluate, case: Any) -> None:
    false_alarm = [0, 0.8, 0.0, 0.0, 0.1, 0.1]
    case.add("validation", "validation/3.jpg", [], [false_alarm])
    case.add("test", "test/3.jpg", [("nut", 0, 0, 20, 20)], [])
    metrics = evaluate(case).metrics
    assert metrics["threshold"] == 0.9
    assert metrics["per_class"]["bolt"]["ap_50"] == pytest.approx(1)
    assert metrics["per_class"]["nut"]["voc_ap"] == pytest.approx(2 / 3)
    assert metrics["count"]["bias"] == pytest.approx(-1 / 3)
    assert metrics["per_class"]["nut"]["count"] == {
        "mae": pytest.approx(1 / 3),
        "rmse": pytest.approx((1 / 3) ** 0.5),
        "bias": pytest.approx(-1 / 3),
        "exact_share": pytest.approx(2 / 3),
    }


def test_a_class_without_true_boxes_has_no_score(evaluate: Evaluate, case: Any) -> None:
    case.classes = ["bolt", "nut", "cog"]
    per_class = evaluate(case).metrics["per_class"]["cog"]
    for metric in ("ap", "ap_50", "ap_75", "voc_ap", "voc_ap_07", "precision", "recall", "f1"):
        assert per_class[metric] is None
    assert per_class["boxes"] == 0


def test_outputs_without_their_folder_are_matched_too(evaluate: Evaluate, case: Any) -> None:
    for number, path in enumerate(sorted(case.folder.glob("predictions/*/*.out"))):
        path.rename(case.folder / "predictions" / f"{number}.jpg.out")
    for number, line in enumerate([*case.lines["test"], *case.lines["validation"]]):
        line["source-ref"] = f"s3://bucket/deep/folder/{number}.jpg"
    assert evaluate(case).metrics["map"] == pytest.approx(1)


def test_coordinates_outside_are_clipped_and_said(evaluate: Evaluate, case: Any) -> None:
    case.add("test", "test/3.jpg", [("nut", 0, 0, 20, 20)], [[1, 0.9, -0.2, 0, 0.2, 0.4]])
    done = evaluate(case)
    assert "1 detections reached outside the image and were clipped" in done.out
    assert done.metrics["map"] == pytest.approx(1)


def test_predictions_of_other_images_are_left_out_and_said(evaluate: Evaluate, case: Any) -> None:
    (case.folder / "predictions" / "stranger.jpg.out").write_text("broken")
    done = evaluate(case)
    assert done.code == 0
    assert "1 predictions belong to no image" in done.out


def test_a_missed_gate_is_a_verdict_and_no_failure(evaluate: Evaluate, case: Any) -> None:
    case.add("test", "test/3.jpg", [("nut", 0, 0, 20, 20)], [])
    done = evaluate(case, "map=0", "map_50=0.9", "voc_map=0.7")
    assert done.code == 0
    gate = done.metrics["gate"]
    assert [(asked["metric"], asked["met"]) for asked in gate["requirements"]] == [
        ("map", True),
        ("map_50", False),
        ("voc_map", True),
    ]
    assert gate["missed"] == ["map_50"]
    assert gate["thresholds_missed"] == 1
    value, (low, high) = done.metrics["map_50"], done.metrics["intervals"]["metrics"]["map_50"]
    sure = f" (95 % interval {low:.2f} to {high:.2f})"
    assert gate["message"] == f"map_50 is {value:.3f}{sure}, {0.9 - value:.3f} under its threshold 0.9"
    assert f"gate: {gate['message']}" in done.out


def test_a_met_gate_says_what_was_met(evaluate: Evaluate, case: Any) -> None:
    gate = evaluate(case, "map_50=0.6").metrics["gate"]
    assert gate["message"] == "all thresholds met: map_50 1.000 >= 0.6"
    assert (gate["missed"], gate["thresholds_missed"]) == ([], 0)
    assert evaluate(case).metrics["gate"]["message"].startswith("no thresholds are set")


def test_when_nothing_matches_on_validation_the_log_says_how_the_threshold_came(evaluate: Evaluate, case: Any) -> None:
    for path in case.folder.glob("predictions/validation/*.out"):
        path.write_text('{"prediction": []}')
    done = evaluate(case)
    assert done.metrics["threshold"] == 1
    assert done.metrics["threshold_rule"] in done.out
    assert "no detection" in done.metrics["threshold_rule"]


def test_all_that_a_reviewer_needs_is_written(evaluate: Evaluate, case: Any) -> None:
    done = evaluate(case, "map_50=0.5")
    names = {path.name for path in done.output.iterdir()}
    assert names == {
        "baseline.json",
        "detections.csv.gz",
        "evaluation.json",
        "gate.json",
        "report.html",
        "results.csv",
    }
    small = json.loads((done.output / "gate.json").read_bytes())
    assert small == {name: done.metrics[name] for name in ("gate", "registry")}, "what the pipeline itself reads"
    table = gzip.decompress((done.output / "detections.csv.gz").read_bytes()).decode().splitlines()
    assert len(table) == 1 + 6
    assert sum(",TP," in row for row in table) == 6
    assert "Passed: 1 requirement met" in (done.output / "report.html").read_text()
    assert done.metrics["registry"]["map_50"] == "1.0000"


def test_any_metric_may_have_a_threshold(evaluate: Evaluate, case: Any) -> None:
    case.add("test", "test/3.jpg", [("nut", 0, 0, 20, 20)], [])
    done = evaluate(case, more=["--minimum", "per_class.nut.recall=0.9", "--maximum", "count.mae=0.5"])
    assert done.metrics["gate"]["missed"] == ["per_class.nut.recall"]
    wrong = evaluate(case, more=["--minimum", "per_class.nutt.recall=0.9"])
    assert "did you mean per_class.nut.recall" in wrong.message


def test_every_metric_that_is_written_can_be_asked_for(evaluate: Evaluate, case: Any) -> None:
    metrics = metrics_of(evaluate(case).metrics)
    assert {name.rpartition(".")[2] for name in metrics} <= NAMES
    assert {"map_50", "count.rmse", "at_threshold.f1", "per_class.nut.count.mae", "threshold"} <= metrics.keys()


def test_a_wanted_precision_chooses_the_threshold(evaluate: Evaluate, case: Any) -> None:
    case.add("validation", "validation/3.jpg", [], [[0, 0.95, 0.0, 0.0, 0.1, 0.1]])
    done = evaluate(case, more=["--threshold-rule", "precision", "--threshold-target", "0.75"])
    assert done.metrics["threshold_rule"].startswith("precision of at least 0.75 on validation")
    refused = evaluate(case, more=["--threshold-rule", "precision"])
    assert "needs the precision to reach" in refused.message


def _write(path: str, text: str | bytes) -> Callable[[Any], None]:
    def change(case: Any) -> None:
        (case.folder / path).write_bytes(text.encode() if isinstance(text, str) else text)

    return change


def _remove(path: str) -> Callable[[Any], None]:
    return lambda case: (case.folder / path).unlink()


def _repeat_an_image(case: Any) -> None:
    case.lines["test"].append(case.lines["test"][0])


def _share_an_image(case: Any) -> None:
    case.lines["test"].append(case.lines["validation"][0])


def _share_a_name(case: Any) -> None:
    (case.folder / "predictions/test/1.jpg.out").rename(case.folder / "predictions/1.jpg.out")
    (case.folder / "predictions/validation/1.jpg.out").unlink()


def _no_predictions(case: Any) -> None:
    for path in case.folder.glob("predictions/*/*.out"):
        path.unlink()


def _no_true_box(case: Any) -> None:
    for line in case.lines["test"]:
        line["bounding-box"]["annotations"] = []


def _other_line(case: Any) -> None:
    case.lines["test"].append({"source-ref": "s3://bucket/x.jpg"})


def _no_summary(case: Any) -> None:
    case.classes = []


OUT = "predictions/test/1.jpg.out"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            _remove(OUT), r"1 of 4 images have no prediction \(s3://bucket/test/1.jpg\)", id="an output is missing"
        ),
        pytest.param(_no_predictions, r"holds no \.out file", id="no output at all"),
        pytest.param(_write(OUT, ""), r"test/1\.jpg\.out is empty", id="an empty output"),
        pytest.param(
            _write(OUT, "<html>"), r"test/1\.jpg\.out is not a detector's answer", id="an output that is not JSON"
        ),
        pytest.param(_write(OUT, b"\xff"), r"test/1\.jpg\.out is not a detector's answer", id="a binary output"),
        pytest.param(_write(OUT, '{"error": "out of memory"}'), "no prediction but .*out of memory", id="an error"),
        pytest.param(
            _write(OUT, '{"prediction": [[2, 0.9, 0, 0, 1, 1]]}'),
            r"class ids go from 0 to 1",
            id="an id outside the list",
        ),
        pytest.param(_write(OUT, '{"prediction": [[0, NaN, 0, 0, 1, 1]]}'), "holds a NaN", id="NaN"),
        pytest.param(_share_a_name, r"1\.jpg\.out fits 2 images", id="an output that fits two images"),
        pytest.param(_repeat_an_image, "test.manifest, line 3: s3://bucket/test/1.jpg appears a second", id="twice"),
        pytest.param(_share_an_image, "s3://bucket/validation/1.jpg is in validation and test", id="in both splits"),
        pytest.param(_no_true_box, "the test split holds no ground-truth box", id="no ground-truth box"),
        pytest.param(_other_line, r"test\.manifest, line 3: not labelled", id="a line that Prepare did not write"),
        pytest.param(_no_summary, r"summary\.json does not exist", id="no summary"),
    ],
)
def test_what_makes_metrics_unreliable_is_one_clear_line(
    evaluate: Evaluate, case: Any, change: Callable[[Any], None], message: str
) -> None:
    change(case)
    done = evaluate(case)
    assert done.code == 1
    assert re.search(message, done.message)
    assert done.err == f"error: {done.message}\n"
    assert not (done.output / "evaluation.json").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("{}", "not Prepare's summary", id="no classes"),
        pytest.param('{"classes": []}', "lists no classes", id="an empty list"),
        pytest.param("x", "not Prepare's summary", id="no JSON"),
        pytest.param('{"classes": ' + "[" * 5000, "not Prepare's summary", id="nested too deep"),
    ],
)
def test_a_summary_that_is_not_prepares(evaluate: Evaluate, case: Any, text: str, message: str) -> None:
    case.classes = []
    (case.folder / "report").mkdir()
    (case.folder / "report" / "summary.json").write_text(text)
    assert message in evaluate(case).message


def test_missing_manifests_are_named(evaluate: Evaluate, case: Any) -> None:
    del case.lines["test"]
    assert re.search(r"test\.manifest does not exist", evaluate(case).message)


def test_a_message_file_that_cannot_be_written_hides_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from steps.evaluate.job import main

    (tmp_path / "file").touch()
    nowhere = str(tmp_path / "none")
    arguments = ["--manifests", nowhere, "--predictions", nowhere, "--report", nowhere, "--output", nowhere]
    assert main([*arguments, "--message-file", str(tmp_path / "file" / "message")]) == 1
    err = capfd.readouterr().err
    assert "summary.json does not exist" in err
    assert "the job's message could not be written" in err


def test_the_evaluation_is_plain_json(evaluate: Evaluate, case: Any) -> None:
    case.classes = ["bolt", "nut", "cog"]
    text = (evaluate(case).output / "evaluation.json").read_text()
    assert "NaN" not in text
    assert isinstance(json.loads(text)["gate"]["thresholds_missed"], int)


@pytest.fixture
def sliced(case: Any) -> Any:
    """Test images of two cameras, of which B has a box that isn't found."""
    case.add("test", "test/3.jpg", [("nut", 0, 0, 20, 20)], [])
    for line, camera in zip(case.lines["test"], ("A", "B", "B"), strict=True):
        line["camera"] = camera
    return case


def test_metrics_of_slices_are_written_logged_and_gated(evaluate: Evaluate, sliced: Any) -> None:
    done = evaluate(sliced, "slices.camera.A.recall=0.8", "slices.camera.B.recall=0.8", more=["--slices", "camera"])
    cameras = done.metrics["slices"]["camera"]
    assert {name: (camera["images"], camera["recall"]) for name, camera in cameras.items()} == {
        "A": (1, 1),
        "B": (2, 0.5),
    }
    assert done.metrics["gate"]["missed"] == ["slices.camera.B.recall"]
    assert "slices.camera.B.recall is 0.500 (95 % interval 0.00 to 1.00), 0.300 under its" in done.out
    assert re.search(r"camera B: map 0\.\d+, map_50 0\.\d+, precision 1\.000, recall 0\.500, 2 images", done.out)
    assert '<section id="slices">' in (done.output / "report.html").read_text()


@pytest.mark.parametrize(
    ("key", "minimum", "message"),
    [
        pytest.param("camra", "map=0", "test.manifest: no line has the key 'camra'", id="a misspelt key"),
        pytest.param("camera", "slices.camera.a.recall=0.8", "or slices.camera.A.recall", id="no such value"),
    ],
)
def test_slices_that_there_are_not_are_an_error(
    evaluate: Evaluate, sliced: Any, key: str, minimum: str, message: str
) -> None:
    done = evaluate(sliced, minimum, more=["--slices", key])
    assert done.code == 1
    assert message in done.message
