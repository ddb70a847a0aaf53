from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundloop.errors import UserError
from steps.prepare.sources import find_manifest

ManifestLine = Callable[..., dict[str, Any]]
Prepare = Callable[..., Any]
SPLITS = ("train", "validation", "test")


@pytest.fixture
def forty(manifest_line: ManifestLine) -> list[dict[str, Any]]:
    """Forty labelled images, every fourth with two classes."""
    return [
        manifest_line(f"images/{n:02}.jpg", *(["nut", "bolt"] if n % 4 else ["bolt"]), attribute="screws")
        for n in range(40)
    ]


def _refs(lines: list[Any]) -> list[str]:
    return [line["source-ref"] for line in lines]


def test_every_image_lands_in_exactly_one_split(prepare: Prepare, forty: list[dict[str, Any]]) -> None:
    done = prepare(forty, "--test-fraction", "0.3", "--validation-fraction", "0.2")
    assert done.code == 0
    refs = [ref for split in ("train", "validation", "test") for ref in _refs(done.lines(split))]
    assert sorted(refs) == _refs(forty)
    for split in ("train", "validation", "test"):
        lines = done.lines(split)
        assert done.summary[split] == {
            "images": len(lines),
            "boxes": sum(len(line["bounding-box"]["annotations"]) for line in lines),
            "negatives": 0,
        }


def test_lines_have_one_label_attribute_and_ids_of_one_class_list(
    prepare: Prepare, forty: list[dict[str, Any]]
) -> None:
    done = prepare(forty)
    assert done.summary["classes"] == ["bolt", "nut"]
    truth = {line["source-ref"]: line for line in forty}
    for split in ("train", "validation", "test"):
        for line in done.lines(split):
            assert list(line) == ["source-ref", "bounding-box", "bounding-box-metadata"]
            assert line["bounding-box-metadata"]["class-map"] == {"0": "bolt", "1": "nut"}
            before = truth[line["source-ref"]]
            own = before["screws-metadata"]["class-map"]
            named = [own[str(box["class_id"])] for box in before["screws"]["annotations"]]
            ids = [box["class_id"] for box in line["bounding-box"]["annotations"]]
            assert ids == [["bolt", "nut"].index(name) for name in named]


def test_the_summary_gives_training_its_figures_as_text(prepare: Prepare, forty: list[dict[str, Any]]) -> None:
    summary = prepare(forty).summary
    assert summary["training"] == {
        "num_training_samples": str(summary["train"]["images"]),
        "num_classes": "2",
        "label_width": "350",
    }
    assert (summary["num_classes"], summary["label_width"]) == (2, 350)
    assert len(summary["classes_sha256"]) == 64


@pytest.mark.parametrize(
    ("boxes", "width"), [(69, 355), (68, 350), (84, 430)], ids=["just over", "just in", "84 boxes"]
)
def test_the_label_width_fits_the_fullest_image_with_slack(
    prepare: Prepare, manifest_line: ManifestLine, forty: list[dict[str, Any]], boxes: int, width: int
) -> None:
    full = manifest_line("images/full.jpg", *["nut"] * boxes, attribute="screws")
    assert prepare([*forty, full]).summary["label_width"] == width


def test_predict_images_are_those_of_validation_and_test(prepare: Prepare, forty: list[dict[str, Any]]) -> None:
    done = prepare(forty)
    head, *keys = json.loads((done.manifests / "predict-images.json").read_bytes())
    assert head == {"prefix": "s3://bucket/images/"}
    assert [head["prefix"] + key for key in keys] == _refs(done.lines("validation")) + _refs(done.lines("test"))


def test_the_configured_class_list_gives_the_ids_and_refuses_others(
    prepare: Prepare, manifest_line: ManifestLine, forty: list[dict[str, Any]]
) -> None:
    stranger = manifest_line("images/x.jpg", "washer", attribute="screws")
    done = prepare([*forty, stranger], "--classes", "nut", "bolt", "cog")
    assert done.summary["classes"] == ["nut", "bolt", "cog"]
    assert [(entry["line"], entry["code"]) for entry in done.rejected] == [(41, "ERROR_CLASS_NOT_CONFIGURED")]
    assert done.summary["findings"] == {
        "ERROR_CLASS_NOT_CONFIGURED": 1,
        "WARNING_CLASS_MAPS_DIFFER": 1,
        "WARNING_UNUSED_CLASS": 1,
    }


def test_negatives_leave_train_only_and_are_counted(
    prepare: Prepare, manifest_line: ManifestLine, forty: list[dict[str, Any]]
) -> None:
    negatives = [manifest_line(f"negatives/{n}.jpg", attribute="screws") for n in range(40)]
    dropped = prepare([*forty, *negatives]).summary
    kept = prepare([*forty, *negatives], "--train-negatives", "keep").summary
    assert dropped["train"]["negatives"] == 0
    assert dropped["negatives_dropped"] == kept["train"]["negatives"] > 0
    assert kept["negatives_dropped"] == 0
    for split in ("validation", "test"):
        assert dropped[split] == kept[split]
        assert kept[split]["negatives"] > 0
    assert dropped["lines"]["negative"] == 40


def test_no_line_is_lost_and_refused_ones_stay_as_they_were(
    prepare: Prepare, manifest_line: ManifestLine, forty: list[dict[str, Any]]
) -> None:
    outside = manifest_line("images/outside.jpg", "nut", attribute="screws")
    outside["screws"]["annotations"][0]["left"] = 60.10
    failed = {"source-ref": "s3://bucket/f.jpg", "screws-metadata": {"failure-reason": "expired"}}
    others = [outside, b'{"broken', b"\xff\xfe", b"", {"source-ref": "s3://bucket/u.jpg"}, failed]
    done = prepare([*forty, *others, forty[3]])
    assert done.summary["lines"] == {
        "read": 47,
        "labelled": 40,
        "negative": 0,
        "unlabelled": 1,
        "failed": 1,
        "rejected": 4,
        "blank": 1,
    }
    assert [(entry["line"], entry["status"], entry["code"]) for entry in done.rejected] == [
        (4, "rejected", "ERROR_DUPLICATE_SOURCE_REF"),
        (41, "rejected", "ERROR_INVALID_BOUNDING_BOX"),
        (42, "rejected", "ERROR_INVALID_JSON_LINE"),
        (43, "rejected", "ERROR_INVALID_JSON_LINE"),
        (45, "unlabelled", "WARNING_UNANNOTATED_RECORD"),
        (46, "failed", "ERROR_LABELLING_FAILED"),
    ]
    assert json.loads(done.rejected[1]["text"]) == outside
    assert base64.b64decode(done.rejected[3]["base64"]) == b"\xff\xfe"
    assert done.rejected[5]["source_ref"] == "s3://bucket/f.jpg"


def test_the_log_tells_counts_and_first_examples(prepare: Prepare, forty: list[dict[str, Any]]) -> None:
    out = prepare([*forty, *[b"broken"] * 5]).out
    assert "lines: 45 read: 40 labelled" in out
    assert "classes (2): bolt, nut" in out
    assert "ERROR_INVALID_JSON_LINE: 5\n" in out
    assert out.count("not JSON") == 3
    assert "train: " in out


def test_the_same_input_gives_the_same_bytes_and_seeds_change_order_or_splits(
    prepare: Prepare, forty: list[dict[str, Any]]
) -> None:
    def run(*arguments: str) -> tuple[list[str], list[str], list[str]]:
        done = prepare(forty, *arguments)
        train, validation, test = (_refs(done.lines(split)) for split in ("train", "validation", "test"))
        return train, validation, test

    first, again, shuffled, other = run(), run(), run("--shuffle-seed", "8"), run("--split-seed", "5")
    assert first == again
    assert shuffled[0] != first[0]
    assert (sorted(shuffled[0]), shuffled[1:]) == (sorted(first[0]), first[1:])
    assert sorted(other[0]) != sorted(first[0])


def test_a_given_label_attribute_is_used_where_several_are(prepare: Prepare, forty: list[dict[str, Any]]) -> None:
    both = [line | {"old": line["screws"], "old-metadata": line["screws-metadata"]} for line in forty]
    done = prepare(both)
    assert done.code == 1
    assert "screws (40 lines), old (40 lines)" in done.message
    done = prepare(both, "--label-attribute", "old")
    assert done.code == 0
    assert all({"old", "old-metadata"}.isdisjoint(line) and "screws" in line for line in done.lines("train"))


def test_a_compressed_manifest_is_read(prepare: Prepare, forty: list[dict[str, Any]]) -> None:
    assert prepare(forty).summary == prepare(forty, pack=True).summary


def test_boxes_a_little_beyond_the_image_are_written_clipped(prepare: Prepare, forty: list[dict[str, Any]]) -> None:
    for line in forty:
        line["screws"]["annotations"][0]["left"] = -2
    done = prepare(forty)
    assert done.summary["findings"] == {"WARNING_BOX_CLIPPED": 40, "WARNING_CLASS_MAPS_DIFFER": 1}
    sides = {
        (line["bounding-box"]["annotations"][0]["left"], line["bounding-box"]["annotations"][0]["width"])
        for split in ("train", "validation", "test")
        for line in done.lines(split)
    }
    assert sides == {(0, 8)}
    strict = prepare(forty, "--clip-tolerance", "1.5")
    assert strict.code == 1
    assert "ERROR_INVALID_BOUNDING_BOX 40" in strict.message


@pytest.mark.parametrize(("policy", "refused"), [("last", 4), ("first", 41)])
def test_which_label_of_an_image_counts_is_a_choice(
    prepare: Prepare, forty: list[dict[str, Any]], policy: str, refused: int
) -> None:
    done = prepare([*forty, forty[3]], "--duplicates", policy)
    assert [(entry["line"], entry["code"]) for entry in done.rejected] == [(refused, "ERROR_DUPLICATE_SOURCE_REF")]
    stopped = prepare([*forty, forty[3]], "--duplicates", "refuse")
    assert (stopped.code, stopped.message[:22]) == (1, "lines 4 and 41 both la")


def test_advice_on_the_whole_data_set_is_in_log_and_summary(
    prepare: Prepare, manifest_line: ManifestLine, forty: list[dict[str, Any]]
) -> None:
    forty[5]["screws-metadata"]["human-annotated"] = "no"
    rare = manifest_line("images/rare.jpg", "washer", attribute="screws")
    done = prepare([*forty, rare], "--image-shape", "20")
    assert done.summary["findings"] == {
        "WARNING_CLASS_IMBALANCE": 1,
        "WARNING_CLASS_MAPS_DIFFER": 1,
        "WARNING_CLASS_WITH_FEW_EXAMPLES": 1,
        "WARNING_TINY_BOXES": 1,
    }
    assert "class 'washer' has 1 boxes" in done.out
    assert done.summary["auto_labelled"] == 1
    assert "auto-labelled: 1 of 41 images" in done.out


def test_a_class_that_misses_a_split_is_told(
    prepare: Prepare, manifest_line: ManifestLine, forty: list[dict[str, Any]]
) -> None:
    in_train = _refs(prepare(forty).lines("train"))
    for line in forty:
        if line["source-ref"] in in_train:
            line.update(manifest_line(line["source-ref"][len("s3://bucket/") :], "bolt", "cog", attribute="screws"))
    done = prepare(forty)
    assert done.summary["findings"]["WARNING_CLASS_MISSES_SPLIT"] >= 1
    assert f"class 'cog' is on {len(in_train)} images but on none of validation and test" in done.out


@pytest.mark.parametrize(
    ("lines", "arguments", "message"),
    [
        pytest.param([], [], "holds no usable labelled line: 1 lines read, no findings", id="empty manifest"),
        pytest.param([b"x", b"y"], [], "no usable labelled line.*ERROR_INVALID_JSON_LINE 2", id="no usable line"),
        pytest.param([b'{"source-ref": "s3://b/a.jpg"}'], [], "WARNING_UNANNOTATED_RECORD 1", id="nothing is labelled"),
        pytest.param(
            [b'{"source-ref":"s3://b/a","k":0,"k-metadata":{"type":"groundtruth/image-classification"}}'],
            [],
            r"no bounding boxes but other labels: k \(groundtruth/image-classification\)",
            id="classification",
        ),
        pytest.param(
            None, ["--label-attribute", "nope"], "'nope' is on no line, but these are: bb", id="wrong attribute"
        ),
        pytest.param(None, ["--test-fraction", "0.001"], "split got no image of 3 usable", id="too few images"),
        pytest.param(
            None, ["--test-fraction", "0.98", "--validation-fraction", "0.01"], "split got no image", id="empty others"
        ),
        pytest.param(None, ["--test-fraction", "2"], "test fraction is 2", id="fraction over 1"),
        pytest.param(None, ["--clip-tolerance", "-1"], "clip tolerance is -1 pixels", id="tolerance below nothing"),
        pytest.param(None, ["--image-shape", "0"], "image_shape is 0", id="image shape of nothing"),
        pytest.param(None, ["--classes", "nut", "nut"], "'nut' twice", id="class twice"),
        pytest.param(None, ["--manifest-uri", "s3://b/other.manifest"], "there is no other.manifest", id="wrong name"),
        pytest.param(None, ["--manifest-uri", "s3://b/folder/"], "names a folder", id="a folder's URI"),
    ],
)
def test_a_users_mistake_is_one_line_on_stderr_and_in_the_message_file(
    prepare: Prepare,
    manifest_line: ManifestLine,
    lines: list[bytes] | None,
    arguments: list[str],
    message: str,
) -> None:
    done = prepare([manifest_line(f"{n}.jpg", "nut") for n in range(3)] if lines is None else lines, *arguments)
    assert done.code == 1
    assert re.search(message, done.message)
    assert done.err == f"error: {done.message}\n"
    assert "\n" not in done.message


def test_a_split_with_negatives_only_cannot_be_evaluated(
    prepare: Prepare, manifest_line: ManifestLine, forty: list[dict[str, Any]]
) -> None:
    in_test = _refs(prepare(forty).lines("test"))
    for line in forty:
        if line["source-ref"] in in_test:
            line["screws"]["annotations"], line["screws-metadata"]["objects"] = [], []
    assert f"the test split got only {len(in_test)} images without boxes" in prepare(forty).message


def test_a_validation_split_smaller_than_a_batch_is_warned_of(prepare: Prepare, forty: list[dict[str, Any]]) -> None:
    validation = prepare(forty).summary["validation"]["images"]
    assert "warning: the validation split" not in prepare(forty, "--mini-batch-size", str(validation)).out
    done = prepare(forty, "--mini-batch-size", str(validation + 1))
    assert done.code == 0
    assert f"warning: the validation split holds {validation} images" in done.out


def test_a_train_split_smaller_than_a_batch_fails_early(prepare: Prepare, forty: list[dict[str, Any]]) -> None:
    train = prepare(forty).summary["train"]["images"]
    assert prepare(forty, "--mini-batch-size", str(train)).code == 0
    done = prepare(forty, "--mini-batch-size", str(train + 1))
    assert done.code == 1
    assert f"the train split holds {train} images, fewer than mini_batch_size {train + 1}" in done.message


def test_images_in_several_buckets_do_not_fit_one_prefix(prepare: Prepare, manifest_line: ManifestLine) -> None:
    lines = [manifest_line(f"{n}.jpg", "nut", bucket=f"bucket-{n % 2}") for n in range(40)]
    done = prepare(lines)
    assert done.code == 1
    assert "2 buckets (bucket-0, bucket-1)" in done.message
    assert "one prefix" in done.message


def test_the_only_file_is_the_manifest_when_no_uri_says_otherwise(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds nothing"):
        find_manifest(tmp_path, "")
    (tmp_path / "a.manifest").touch()
    assert find_manifest(tmp_path, "") == tmp_path / "a.manifest"
    assert find_manifest(tmp_path / "a.manifest", "") == tmp_path / "a.manifest"
    (tmp_path / "b.manifest").touch()
    with pytest.raises(UserError, match=r"holds a\.manifest, b\.manifest"):
        find_manifest(tmp_path, "")


@pytest.mark.parametrize("job", ["prepare", "evaluate"])
def test_a_job_starts_without_loading_what_it_may_not_need(job: str) -> None:
    heavy = ("boto3", "numpy", "PIL", "sagemaker", "pydantic", "moto")
    code = f"import sys, steps.{job}.job; print([name for name in {heavy} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert loaded.stdout.strip() == "[]"


def test_groups_by_a_pattern_never_straddle_splits(prepare: Prepare, forty: list[dict[str, Any]]) -> None:
    """Ten groups of four by the last digit: by the hash of the image they would be torn apart."""
    done = prepare(forty, r"--group-pattern=(\d)\.jpg$", "--validation-fraction", "0.3", "--test-fraction", "0.3")
    found = [{ref[-5] for ref in _refs(done.lines(split))} for split in SPLITS]
    assert sum(map(len, found)) == len(set.union(*found)) == 10
    assert all(found)


def test_groups_by_a_key_of_the_lines(prepare: Prepare, forty: list[dict[str, Any]]) -> None:
    for number, line in enumerate(forty):
        line["patient"] = number % 8
    done = prepare(forty, "--group-key=patient", "--validation-fraction", "0.3", "--test-fraction", "0.3")
    found = [{line["patient"] for line in done.lines(split)} for split in SPLITS]
    assert sum(map(len, found)) == len(set.union(*found)) == 8


def test_a_stratified_split_gives_each_part_its_share(prepare: Prepare, forty: list[dict[str, Any]]) -> None:
    done = prepare(forty, "--stratify", "--validation-fraction", "0.2", "--test-fraction", "0.2")
    without_nuts = [
        sum(len(line["bounding-box"]["annotations"]) == 1 for line in done.lines(split)) for split in SPLITS
    ]
    assert [len(done.lines(split)) for split in SPLITS] == [24, 8, 8]
    assert without_nuts == [6, 2, 2]


def test_two_ways_to_group_are_refused(prepare: Prepare, forty: list[dict[str, Any]]) -> None:
    done = prepare(forty, "--group-pattern=x", "--group-key=y")
    assert done.code == 1
    assert "not by both" in done.message
