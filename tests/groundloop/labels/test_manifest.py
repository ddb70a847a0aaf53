from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundloop.errors import UserError
from groundloop.labels.findings import LabelCode, Severity
from groundloop.labels.line_reader import MAX_LINE_LENGTH
from groundloop.labels.manifest import ManifestReader
from groundloop.labels.records import Box, Line, LineStatus

ManifestLine = Callable[..., dict[str, Any]]
ReadLine = Callable[..., Line]


def test_boxes_carry_class_names_from_the_map_of_their_own_line(
    manifest_line: ManifestLine, read_line: ReadLine
) -> None:
    one = read_line(manifest_line(class_map={"0": "nut"})).record
    other = read_line(manifest_line(class_map={"0": "bolt"})).record
    assert one is not None
    assert other is not None
    assert one.boxes == (Box("nut", 0, 5, 10, 20),)
    assert other.boxes == (Box("bolt", 0, 5, 10, 20),)


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Put a value at a path such as `bb.annotations.0.left`; DELETED removes it."""

    def corrupt(line: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        target: Any = line
        for part in parents:
            target = target[int(part) if part.isdigit() else part]
        key = int(last) if last.isdigit() else last
        if value is DELETED:
            del target[key]
        else:
            target[key] = value

    return corrupt


DELETED = object()
SIZE = "bb.image_size"
BOX = "bb.annotations.0"


@pytest.mark.parametrize(
    ("corrupt", "code"),
    [
        pytest.param(_set("source-ref", DELETED), LabelCode.MISSING_SOURCE_REF, id="no source-ref"),
        pytest.param(_set("source-ref", ""), LabelCode.MISSING_SOURCE_REF, id="empty source-ref"),
        pytest.param(
            _set("source-ref", "b/a.jpg"), LabelCode.INVALID_SOURCE_REF, id="source-ref that is not an S3 URI"
        ),
        pytest.param(_set("source-ref", "s3://b/"), LabelCode.INVALID_SOURCE_REF, id="source-ref without key"),
        pytest.param(_set("source-ref", 5), LabelCode.INVALID_SOURCE_REF, id="source-ref that is a number"),
        pytest.param(_set("bb", DELETED), LabelCode.INVALID_LABEL, id="metadata without label"),
        pytest.param(_set("bb", 1), LabelCode.INVALID_LABEL, id="label that is a number"),
        pytest.param(_set("bb", None), LabelCode.INVALID_LABEL, id="label that is null"),
        pytest.param(_set("bb.annotations", DELETED), LabelCode.INVALID_LABEL, id="label without annotations"),
        pytest.param(_set("bb.annotations", {}), LabelCode.INVALID_LABEL, id="annotations that are not a list"),
        pytest.param(_set("bb-metadata", DELETED), LabelCode.INVALID_METADATA, id="label without metadata"),
        pytest.param(_set("bb-metadata.class-map", []), LabelCode.INVALID_METADATA, id="class-map that is a list"),
        pytest.param(
            _set("bb-metadata.class-map", {"0": 1}), LabelCode.INVALID_METADATA, id="class name that is a number"
        ),
        pytest.param(_set("bb-metadata.objects", 3), LabelCode.INVALID_METADATA, id="objects that are not a list"),
        pytest.param(
            _set("bb-metadata.type", "groundtruth/image-classification"),
            LabelCode.UNSUPPORTED_TYPE,
            id="another label type",
        ),
        pytest.param(_set(SIZE, DELETED), LabelCode.INVALID_IMAGE_SIZE, id="no image_size"),
        pytest.param(_set(SIZE, []), LabelCode.INVALID_IMAGE_SIZE, id="empty image_size"),
        pytest.param(_set(f"{SIZE}.0.width", 0), LabelCode.INVALID_IMAGE_SIZE, id="image of no width"),
        pytest.param(_set(f"{SIZE}.0.height", -5), LabelCode.INVALID_IMAGE_SIZE, id="image of negative height"),
        pytest.param(_set(f"{SIZE}.0.width", "100"), LabelCode.INVALID_IMAGE_SIZE, id="image width that is text"),
        pytest.param(_set(f"{SIZE}.0.width", 99.5), LabelCode.INVALID_IMAGE_SIZE, id="image width with a fraction"),
        pytest.param(_set("bb-metadata.class-map", {}), LabelCode.MISSING_CLASS_MAP_ID, id="id in an empty class-map"),
        pytest.param(_set("bb-metadata.class-map", DELETED), LabelCode.MISSING_CLASS_MAP_ID, id="no class-map"),
        pytest.param(_set(f"{BOX}.class_id", 2), LabelCode.MISSING_CLASS_MAP_ID, id="id that is not in the class-map"),
        pytest.param(_set(f"{BOX}.class_id", -1), LabelCode.MISSING_CLASS_MAP_ID, id="negative id"),
        pytest.param(_set(f"{BOX}.class_id", "nut"), LabelCode.INVALID_BOX, id="id that is a name"),
        pytest.param(
            _set(f"{BOX}.class_id", "7"), LabelCode.MISSING_CLASS_MAP_ID, id="textual id not in the class-map"
        ),
        pytest.param(_set(f"{BOX}.class_id", 0.5), LabelCode.INVALID_BOX, id="id with a fraction"),
        pytest.param(_set(f"{BOX}.class_id", True), LabelCode.INVALID_BOX, id="id that is true"),
        pytest.param(_set(f"{BOX}.left", "10"), LabelCode.INVALID_BOX, id="coordinate that is text"),
        pytest.param(_set(f"{BOX}.left", None), LabelCode.INVALID_BOX, id="coordinate that is null"),
        pytest.param(_set(f"{BOX}.left", True), LabelCode.INVALID_BOX, id="coordinate that is true"),
        pytest.param(_set(f"{BOX}.top", DELETED), LabelCode.INVALID_BOX, id="coordinate that is missing"),
        pytest.param(_set(BOX, []), LabelCode.INVALID_BOX, id="box that is a list"),
        pytest.param(_set(f"{BOX}.left", -2.1), LabelCode.INVALID_BOX, id="box beyond the left edge"),
        pytest.param(_set(f"{BOX}.top", -3), LabelCode.INVALID_BOX, id="box beyond the top edge"),
        pytest.param(_set(f"{BOX}.width", 103), LabelCode.INVALID_BOX, id="box beyond the right edge"),
        pytest.param(_set(f"{BOX}.height", 47.1), LabelCode.INVALID_BOX, id="box beyond the bottom edge"),
        pytest.param(_set(f"{BOX}.width", 0), LabelCode.BOX_TOO_SMALL, id="box of no width"),
        pytest.param(_set(f"{BOX}.height", -3), LabelCode.BOX_TOO_SMALL, id="box of negative height"),
        pytest.param(_set("bb-metadata.class-map", {"0": ""}), LabelCode.INVALID_CLASS_NAME, id="empty class name"),
        pytest.param(
            _set("bb-metadata.class-map", {"0": "x" * 257}), LabelCode.INVALID_CLASS_NAME, id="long class name"
        ),
        pytest.param(_set("bb-metadata.objects", []), LabelCode.MISSING_CONFIDENCE, id="fewer confidences than boxes"),
    ],
)
def test_a_fault_rejects_the_line_with_its_code(
    manifest_line: ManifestLine, read_line: ReadLine, corrupt: Callable[[dict[str, Any]], None], code: LabelCode
) -> None:
    line = manifest_line()
    assert read_line(line).status is LineStatus.LABELLED
    corrupt(line)
    read = read_line(line)
    assert read.status is LineStatus.REJECTED
    assert read.record is None
    assert [finding.code for finding in read.findings] == [code]
    assert read.findings[0].severity is Severity.ERROR
    assert read.findings[0].line == 7
    if isinstance(line.get("source-ref"), str):
        assert read.findings[0].source_ref == line["source-ref"]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"not json", id="text"),
        pytest.param(b'{"source-ref": "s3://b/a.jpg"', id="cut off"),
        pytest.param(b'{"source-ref": "s3://b/a.jpg"} {}', id="two objects"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"5", id="a number"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"source-ref": "s3://b/\xff.jpg"}', id="not UTF-8"),
        pytest.param(b'{"color": "\xe9", "source-ref": "s3://b/a.jpg"}', id="not UTF-8 in a key nobody reads"),
        pytest.param(b'{"source-ref": "s3://b/\\ud800.jpg"}', id="half a surrogate pair"),
        pytest.param(b'{"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", id="nested too deeply"),
        pytest.param("\ufeff{}".encode("utf-16"), id="UTF-16"),
        pytest.param(b"\x00\x01\x02", id="binary"),
    ],
)
def test_what_is_no_json_object_is_an_invalid_line(read_line: ReadLine, raw: bytes) -> None:
    read = read_line(raw)
    assert read.status is LineStatus.REJECTED
    assert [finding.code for finding in read.findings] == [LabelCode.INVALID_JSON_LINE]
    assert read.raw == raw


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have_are_named(
    manifest_line: ManifestLine, read_line: ReadLine, number: str
) -> None:
    line = manifest_line()
    line["bb"]["annotations"][0]["left"] = float(number.lower())
    read = read_line(json.dumps(line))
    assert read.status is LineStatus.REJECTED
    assert read.findings[0].code is LabelCode.INVALID_JSON_LINE
    assert "NaN or Infinity" in read.findings[0].message


def test_a_number_too_large_for_a_float_is_rejected(manifest_line: ManifestLine, read_line: ReadLine) -> None:
    text = json.dumps(manifest_line()).replace('"left": 0', '"left": 1e999')
    assert read_line(text).findings[0].code is LabelCode.INVALID_BOX


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        pytest.param(_set("bb-metadata.human-annotated", "no"), LineStatus.LABELLED, id="machine-labelled"),
        pytest.param(_set("color", "blue"), LineStatus.LABELLED, id="other keys beside"),
        pytest.param(_set("older", {"annotations": []}), LineStatus.LABELLED, id="another label beside"),
        pytest.param(_set(f"{BOX}.left", 80.60000000000001), LineStatus.LABELLED, id="float coordinates"),
        pytest.param(_set(f"{BOX}.width", 100), LineStatus.LABELLED, id="box that touches the right edge"),
        pytest.param(_set(f"{BOX}.width", 100.00000000000001), LineStatus.LABELLED, id="edge missed by float rounding"),
        pytest.param(_set(f"{SIZE}.0.depth", None), LineStatus.LABELLED, id="depth that is null"),
        pytest.param(_set(f"{SIZE}.0.depth", DELETED), LineStatus.LABELLED, id="no depth"),
        pytest.param(_set("bb-metadata.class-map", {"0": " nut "}), LineStatus.LABELLED, id="class name with spaces"),
        pytest.param(
            _set("bb-metadata.class-map", {"0": "螺母", "9": "a"}), LineStatus.LABELLED, id="map with gaps, CJK"
        ),
        pytest.param(_set("source-ref", "s3://b/\u200bx y.jpg"), LineStatus.LABELLED, id="zero-width space in the key"),
        pytest.param(_set("bb-metadata.adjustment-status", "adjusted"), LineStatus.LABELLED, id="adjusted"),
        pytest.param(_set("bb-metadata.type", DELETED), LineStatus.LABELLED, id="metadata without type"),
    ],
)
def test_variations_that_are_no_faults(
    manifest_line: ManifestLine, read_line: ReadLine, change: Callable[[dict[str, Any]], None], kind: LineStatus
) -> None:
    line = manifest_line()
    change(line)
    read = read_line(line)
    assert (read.status, read.findings) == (kind, ())


def test_a_negative_is_labelled_with_nothing(manifest_line: ManifestLine, read_line: ReadLine) -> None:
    read = read_line(manifest_line(boxes=0, class_map={}))
    assert read.status is LineStatus.NEGATIVE
    assert read.record is not None
    assert read.record.boxes == ()


def test_a_line_without_the_label_is_unlabelled_and_no_negative(read_line: ReadLine) -> None:
    read = read_line({"source-ref": "s3://b/a.jpg", "color": "blue"})
    assert read.status is LineStatus.UNLABELLED
    assert [finding.code for finding in read.findings] == [LabelCode.UNLABELLED]


def test_a_failed_line_is_counted_apart_with_its_reason(read_line: ReadLine) -> None:
    read = read_line({"source-ref": "s3://b/a.jpg", "bb-metadata": {"failure-reason": "workers declined"}})
    assert read.status is LineStatus.FAILED
    assert "workers declined" in read.findings[0].message


def test_confidences_that_are_missing_altogether_are_a_warning(
    manifest_line: ManifestLine, read_line: ReadLine
) -> None:
    line = manifest_line()
    del line["bb-metadata"]["objects"]
    read = read_line(line)
    assert read.status is LineStatus.LABELLED
    assert [finding.code for finding in read.findings] == [LabelCode.NO_CONFIDENCES]


def test_every_wrong_box_of_a_line_is_named(manifest_line: ManifestLine, read_line: ReadLine) -> None:
    line = manifest_line(boxes=3)
    line["bb"]["annotations"][0]["width"] = 0
    line["bb"]["annotations"][2]["left"] = 95
    codes = [(finding.code, finding.message[:5]) for finding in read_line(line).findings]
    assert codes == [(LabelCode.BOX_TOO_SMALL, "box 1"), (LabelCode.INVALID_BOX, "box 3")]


def test_a_class_outside_the_configured_list_is_rejected(manifest_line: ManifestLine, read_line: ReadLine) -> None:
    assert read_line(manifest_line(), ["nut"]).status is LineStatus.LABELLED
    read = read_line(manifest_line(), ["bolt", "washer"])
    assert read.findings[0].code is LabelCode.CLASS_NOT_CONFIGURED
    assert "'nut'" in read.findings[0].message
    assert "bolt, washer" in read.findings[0].message


@pytest.mark.parametrize("attribute", ['quo"te', "source-ref", "back\\slash"])
def test_a_name_that_no_label_attribute_can_have_is_refused(attribute: str) -> None:
    with pytest.raises(UserError, match="label attribute"):
        ManifestReader(attribute)


@pytest.mark.parametrize("attribute", ["lab#-job", "pepperoni_pizza_BB", "a.b", "etikett-ä"])
def test_unusual_attribute_names_are_read(manifest_line: ManifestLine, attribute: str) -> None:
    raw = json.dumps(manifest_line(attribute=attribute), ensure_ascii=False).encode()
    assert ManifestReader(attribute).read_line(1, raw).status is LineStatus.LABELLED
    corrupted = raw.replace(b'"left": 0', b'"left": "0"')
    assert ManifestReader(attribute).read_line(1, corrupted).findings[0].code is LabelCode.INVALID_BOX


def test_class_ids_given_as_text_are_read_with_a_warning(manifest_line: ManifestLine, read_line: ReadLine) -> None:
    line = manifest_line(boxes=2)
    line["bb"]["annotations"][0]["class_id"] = "1"
    read = read_line(line)
    assert read.record is not None
    assert [box.class_name for box in read.record.boxes] == ["bolt", "nut"]
    assert [finding.code for finding in read.findings] == [LabelCode.TEXT_CLASS_ID]


def test_lines_that_a_machine_labelled_say_so(manifest_line: ManifestLine, read_line: ReadLine) -> None:
    line = manifest_line()
    by_person = read_line(line).record
    line["bb-metadata"]["human-annotated"] = "no"
    by_machine = read_line(line).record
    assert by_person is not None
    assert by_machine is not None
    assert (by_person.auto_labelled, by_machine.auto_labelled) == (False, True)


def test_a_line_longer_than_ground_truth_takes_is_read_with_a_warning(
    manifest_line: ManifestLine, read_line: ReadLine
) -> None:
    room = MAX_LINE_LENGTH - len(json.dumps(manifest_line() | {"note": ""}))

    def codes(note: str) -> list[LabelCode]:
        line = read_line(json.dumps(manifest_line() | {"note": note}, ensure_ascii=False))
        assert line.status is LineStatus.LABELLED
        return [finding.code for finding in line.findings]

    assert codes("x" * room) == codes("ä" * room) == [LabelCode.LONG_ATTRIBUTE]
    assert codes("x" * (room + 1)) == [LabelCode.LONG_LINE, LabelCode.LONG_ATTRIBUTE]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        pytest.param("groundtruth/video-object-detection", "SeqLabel.json", id="video detection"),
        pytest.param("groundtruth/video-object-tracking", "SeqLabel.json", id="video tracking"),
    ],
)
def test_a_video_line_is_refused_by_name_and_does_not_pass_for_unlabelled(
    read_line: ReadLine, kind: str, message: str
) -> None:
    line = {
        "source-ref": "s3://b/frames.json",
        "cars-ref": "s3://b/job/annotations/consolidated-annotation/output/0/SeqLabel.json",
        "cars-ref-metadata": {"type": kind, "class-map": {"0": "car"}, "human-annotated": "yes"},
    }
    for attribute in ("bb", "cars-ref"):
        read = ManifestReader(attribute).read_line(1, json.dumps(line).encode())
        assert (read.status, [finding.code for finding in read.findings]) == (
            LineStatus.REJECTED,
            [LabelCode.UNSUPPORTED_TYPE],
        )
        assert "'cars-ref'" in read.findings[0].message
        assert kind in read.findings[0].message
        assert message in read.findings[0].message


@pytest.mark.parametrize(
    ("label", "metadata", "message"),
    [
        pytest.param(0, {"class-name": "dog", "confidence": 1}, "image-classification", id="classification"),
        pytest.param([0], {"confidence-map": {"0": 1}}, "multilabel", id="several classes an image"),
        pytest.param("s3://b/m.png", {"internal-color-map": {}}, "semantic-segmentation", id="segmentation"),
    ],
)
def test_labels_of_other_kinds_are_known_by_their_shape_where_the_type_is_missing(
    read_line: ReadLine, label: Any, metadata: dict[str, Any], message: str
) -> None:
    read = read_line({"source-ref": "s3://b/a.jpg", "bb": label, "bb-metadata": metadata})
    assert [finding.code for finding in read.findings] == [LabelCode.UNSUPPORTED_TYPE]
    assert message in read.findings[0].message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "source-ref": JSON | st.just("s3://b/a.jpg"),
        "bb": JSON
        | st.fixed_dictionaries({"annotations": JSON | st.lists(JSON), "image_size": JSON | st.just([{"width": 5}])}),
        "bb-metadata": JSON | st.fixed_dictionaries({"class-map": JSON, "type": JSON}),
    },
)


@settings(deadline=None)
@given(st.lists(st.binary() | NEARLY.map(lambda value: json.dumps(value).encode())))
def test_no_line_is_ever_lost_and_none_crashes_the_reader(chunks: list[bytes]) -> None:
    data = b"\n".join(chunks)
    stream = data.split(b"\n") if data else []
    lines = list(ManifestReader("bb").read(line + b"\n" for line in stream))
    kinds = Counter(line.status for line in lines)
    assert kinds.total() == len(stream)
    assert [line.number for line in lines] == list(range(1, len(stream) + 1))
    for line, raw in zip(lines, stream, strict=True):
        assert line.raw == raw.removeprefix(b"\xef\xbb\xbf" if line.number == 1 else b"").removesuffix(b"\r")
        assert (line.record is not None) == (line.status in (LineStatus.LABELLED, LineStatus.NEGATIVE))
        assert line.findings or line.status in (LineStatus.LABELLED, LineStatus.NEGATIVE, LineStatus.BLANK)
