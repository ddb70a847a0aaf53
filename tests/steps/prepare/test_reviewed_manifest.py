"""Reviewed labels: the last of the sources, with images that may get into the train split only."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ManifestLine = Callable[..., dict[str, Any]]
Review = Callable[..., list[str]]
URI = "s3://labels/reviews/a1b2.manifest"
SPLITS = ("train", "validation", "test")


@pytest.fixture
def forty(manifest_line: ManifestLine) -> list[dict[str, Any]]:
    return [manifest_line(f"{n:02}.jpg", "bolt", attribute="screws") for n in range(40)]


@pytest.fixture
def reviewed(tmp_path: Path) -> Review:
    """Write reviewed lines; gives the arguments that name them."""

    def write(lines: list[dict[str, Any]], *, pack: bool = False, end: str = "\n") -> list[str]:
        folder = tmp_path / "reviewed"
        folder.mkdir(exist_ok=True)
        content = ("\n".join(map(json.dumps, lines)) + end).encode()
        (folder / "a1b2.manifest").write_bytes(gzip.compress(content) if pack else content)
        return ["--reviewed-manifest", str(folder), "--reviewed-manifest-uri", URI]

    return write


@pytest.fixture
def review_line(manifest_line: ManifestLine) -> ManifestLine:
    """A line as `groundloop review finish` writes it."""

    def make(key: str, *names: str, split: str | None = None, **other: Any) -> dict[str, Any]:
        review = {"queue": "week-47", "selected-by": "audit" if split is None else "expected-mistakes"}
        line = manifest_line(key, *names, attribute="bounding-box")
        return {**line, **other, "groundloop-review": review | ({} if split is None else {"split": split})}

    return make


def _split_of(done: Any) -> dict[str, str]:
    return {line["source-ref"].rpartition("/")[2]: split for split in SPLITS for line in done.lines(split)}


def _classes(done: Any) -> dict[str, list[str]]:
    names = done.summary["classes"]
    return {
        line["source-ref"].rpartition("/")[2]: [names[box["class_id"]] for box in line["bounding-box"]["annotations"]]
        for split in SPLITS
        for line in done.lines(split)
    }


@pytest.mark.parametrize("options", [[], ["--stratify"]], ids=["by hash", "stratified"])
def test_doubtful_new_images_train_only_audit_ones_anywhere_and_known_ones_stay(
    prepare: Callable[..., Any],
    forty: list[dict[str, Any]],
    reviewed: Review,
    review_line: ManifestLine,
    options: list[str],
) -> None:
    before = _split_of(prepare(forty, *options))
    lines = [
        *(review_line(f"{n:02}.jpg", "nut", split="train") for n in range(20)),  # known, though the line says train
        *(review_line(f"doubtful-{n}.jpg", "bolt", split="train") for n in range(60)),
        *(review_line(f"audit-{n}.jpg", "bolt") for n in range(60)),
    ]
    done = prepare(forty, *reviewed(lines), *options)
    assert done.code == 0, done.err
    after = _split_of(done)
    assert len(after) == 40 + 60 + 60
    assert {after[f"doubtful-{n}.jpg"] for n in range(60)} == {"train"}
    assert {after[f"audit-{n}.jpg"] for n in range(60)} == set(SPLITS)
    if not options:  # stratified images may move whenever others come
        assert {key: after[key] for key in before} == before
    assert {after[f"{n:02}.jpg"] for n in range(20)} == set(SPLITS)
    assert done.summary["reviewed"] == {"used": 140, "train_only": 60}
    assert done.summary["lines"]["labelled"] == 160
    assert done.summary["sources"][1]["name"] == URI
    assert done.summary["sources"][1]["used"] == 140
    assert done.summary["sources"][0]["replaced"] == 20
    assert "60 for train only" in done.out


def test_the_reviewed_labels_count_where_earlier_sources_have_others(
    prepare: Callable[..., Any], forty: list[dict[str, Any]], reviewed: Review, review_line: ManifestLine
) -> None:
    done = prepare(forty, *reviewed([review_line("03.jpg", "nut", "nut"), review_line("04.jpg")]))
    classes = _classes(done)
    assert classes["03.jpg"] == ["nut", "nut"]
    assert classes.get("04.jpg", []) == []
    assert classes["05.jpg"] == ["bolt"]


def test_an_image_that_was_listed_but_not_labelled_is_new(
    prepare: Callable[..., Any], forty: list[dict[str, Any]], reviewed: Review, review_line: ManifestLine
) -> None:
    unlabelled = [{"source-ref": f"s3://bucket/new-{n}.jpg"} for n in range(30)]
    done = prepare(
        [*forty, *unlabelled], *reviewed([review_line(f"new-{n}.jpg", "bolt", split="train") for n in range(30)])
    )
    assert {_split_of(done)[f"new-{n}.jpg"] for n in range(30)} == {"train"}


@pytest.mark.parametrize("pack", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("end", ["", "\n"], ids=["no byte", "a line end"])
def test_a_reviewed_manifest_without_lines_changes_nothing(
    prepare: Callable[..., Any], forty: list[dict[str, Any]], reviewed: Review, pack: bool, end: str
) -> None:
    without = prepare(forty).summary
    done = prepare(forty, *reviewed([], pack=pack, end=end))
    assert done.code == 0
    assert done.summary == without
    assert done.summary["reviewed"] == {"used": 0, "train_only": 0}


def test_reviewed_lines_keep_the_labels_that_they_came_with(
    prepare: Callable[..., Any],
    forty: list[dict[str, Any]],
    manifest_line: ManifestLine,
    reviewed: Review,
    review_line: ManifestLine,
) -> None:
    came_with = manifest_line("03.jpg", "bolt", attribute="screws")
    done = prepare(forty, *reviewed([review_line("03.jpg", "nut", **came_with)]))
    assert done.code == 0, done.err
    assert _classes(done)["03.jpg"] == ["nut"]


def test_a_reviewed_manifest_that_is_missing_is_named(
    prepare: Callable[..., Any], forty: list[dict[str, Any]], reviewed: Review
) -> None:
    arguments = reviewed([])
    done = prepare(forty, *arguments[:3], "s3://labels/reviews/gone.manifest")
    assert done.code == 1
    assert "s3://labels/reviews/gone.manifest" in done.err
