from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.labels.attributes import choose_attribute, find_attributes

ManifestLine = Callable[..., dict[str, Any]]


def _choose(*lines: dict[str, Any] | bytes) -> str:
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    return choose_attribute(find_attributes(raw))


def test_the_only_attribute_with_boxes_is_found(manifest_line: ManifestLine) -> None:
    assert _choose(manifest_line(attribute="lab#-job")) == "lab#-job"


def test_it_is_found_on_whichever_line_it_is(manifest_line: ManifestLine) -> None:
    assert _choose(b"broken", {"source-ref": "s3://b/a.jpg", "color": {"red": 1}}, manifest_line()) == "bb"


def test_labels_of_other_kinds_beside_do_not_confuse(manifest_line: ManifestLine) -> None:
    line = manifest_line() | {
        "verified": "1",
        "verified-metadata": {"type": "groundtruth/label-verification", "class-name": "good"},
        "kind": 0,
        "kind-metadata": {"type": "groundtruth/image-classification"},
    }
    assert _choose(line) == "bb"


def test_several_candidates_are_listed_with_the_option_to_choose(manifest_line: ManifestLine) -> None:
    adjusted = manifest_line() | manifest_line(attribute="bb-adjusted")
    with pytest.raises(UserError) as raised:
        _choose(manifest_line(), adjusted)
    for part in ("bb (2 lines)", "bb-adjusted (1 lines)", "--label-attribute"):
        assert part in str(raised.value)


def test_an_attribute_is_known_by_its_shape_when_its_type_is_missing(manifest_line: ManifestLine) -> None:
    line = manifest_line()
    del line["bb-metadata"]["type"]
    assert _choose(line) == "bb"
    del line["bb-metadata"]
    assert _choose(line) == "bb"


def test_a_failed_line_names_the_attribute_too() -> None:
    metadata = {"type": "groundtruth/object-detection", "failure-reason": "expired"}
    assert _choose({"source-ref": "s3://b/a.jpg", "job-metadata": metadata}) == "job"


@pytest.mark.parametrize(
    "kind",
    ["groundtruth/image-classification", "groundtruth/semantic-segmentation", "groundtruth/video-object-detection"],
)
def test_manifests_of_other_kinds_are_refused_by_name(kind: str) -> None:
    with pytest.raises(UserError, match=kind):
        _choose({"source-ref": "s3://b/a.jpg", "job": 1, "job-metadata": {"type": kind}})


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([], id="no line"),
        pytest.param([b"broken"], id="no JSON"),
        pytest.param([b'{"source-ref":"s3://b/a.jpg"}'], id="no label"),
        pytest.param([b'{"a-metadata": 3, "b-metadata": {"type": 5}}'], id="metadata that is none"),
        pytest.param([b'{"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}"], id="nested too deeply"),
    ],
)
def test_without_any_label_the_canonical_name_stands_in_and_the_reader_reports(lines: list[bytes]) -> None:
    assert _choose(*lines) == "bounding-box"
