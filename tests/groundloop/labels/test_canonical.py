from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from groundloop.labels.canonical import Canonicaliser, changed_boxes
from groundloop.labels.classes import ClassList
from groundloop.labels.manifest import ManifestReader

ManifestLine = Callable[..., dict[str, Any]]
CLASSES = ClassList(("bolt", "nut"))


def test_ids_come_from_the_class_list_and_the_map_says_so(manifest_line: ManifestLine) -> None:
    raw = json.dumps(manifest_line()).encode()
    line = json.loads(Canonicaliser("bb", CLASSES)(raw))
    assert line["bounding-box"]["annotations"][0]["class_id"] == 1
    assert line["bounding-box-metadata"]["class-map"] == {"0": "bolt", "1": "nut"}


def test_everything_else_stays_byte_for_byte_and_in_place() -> None:
    raw = (
        b'{"id": 7.10 ,"source-ref":"s3://b/\\u00e9.jpg","bb":{"image_size":[{"width":10,"height":10,"depth":3}],'
        b'"annotations":[{"left":0.60,"class_id":0,"top":1e0,"note":"x","width":2,"height":3.0}],"more":[1.50]},'
        b'"color": "bl\\u0075e","bb-metadata":{"objects":[{"confidence":0.90}],"class-map":{"0":"nut"},'
        b'"creation-date":"2019-05-21T21:25:57.941008","type":"groundtruth/object-detection"},"last":1E5}'
    )
    assert Canonicaliser("bb", CLASSES)(raw) == (
        b'{"id":7.10,"source-ref":"s3://b/\\u00e9.jpg","bounding-box":{"image_size":[{"width":10,"height":10,'
        b'"depth":3}],"annotations":[{"left":0.60,"class_id":1,"top":1e0,"note":"x","width":2,"height":3.0}],'
        b'"more":[1.50]},"color":"bl\\u0075e","bounding-box-metadata":{"objects":[{"confidence":0.90}],'
        b'"class-map":{"0":"bolt","1":"nut"},"creation-date":"2019-05-21T21:25:57.941008",'
        b'"type":"groundtruth/object-detection"},"last":1E5}'
    )


def test_a_line_that_already_is_canonical_comes_back_unchanged(manifest_line: ManifestLine) -> None:
    line = manifest_line(attribute="bounding-box", class_map={"1": "nut", "0": "bolt"})
    raw = json.dumps(line, indent=1).replace("\n", " ").encode()
    assert Canonicaliser("bounding-box", CLASSES)(raw) is raw


def test_a_negative_without_map_gets_the_whole_list(manifest_line: ManifestLine) -> None:
    line = manifest_line(boxes=0)
    del line["bb-metadata"]["class-map"]
    written = json.loads(Canonicaliser("bb", CLASSES)(json.dumps(line).encode()))
    assert written["bounding-box"]["annotations"] == []
    assert written["bounding-box-metadata"]["class-map"] == CLASSES.class_map


def test_another_attribute_of_the_canonical_name_is_kept_under_another(manifest_line: ManifestLine) -> None:
    old, new = manifest_line(attribute="bounding-box"), manifest_line(attribute="adjusted", boxes=2)
    written = json.loads(Canonicaliser("adjusted", CLASSES)(json.dumps(old | new).encode()))
    assert len(written["bounding-box"]["annotations"]) == 2
    assert written["original-bounding-box"] == old["bounding-box"]
    assert written["original-bounding-box-metadata"] == old["bounding-box-metadata"]
    assert list(written)[:2] == ["source-ref", "original-bounding-box"]


NUMBERS = st.integers(0, 40) | st.floats(0, 40, allow_nan=False)
BOXES = st.lists(
    st.fixed_dictionaries(
        {
            "class_id": st.sampled_from([3, 8]),
            "left": NUMBERS,
            "top": NUMBERS,
            "width": st.just(5),
            "height": st.just(5),
        }
    )
)
OTHERS = st.dictionaries(st.text().filter(lambda key: not key.startswith(("bb", "bounding", "source"))), st.text())


@settings(deadline=None)
@given(BOXES, OTHERS)
def test_what_is_written_reads_back_as_the_same_boxes(boxes: list[dict[str, Any]], others: dict[str, str]) -> None:
    line = others | {
        "source-ref": "s3://b/a.jpg",
        "bb": {"image_size": [{"width": 50, "height": 50}], "annotations": boxes},
        "bb-metadata": {"class-map": {"3": "nut", "8": "bolt"}},
    }
    raw = json.dumps(line).encode()
    before = ManifestReader("bb").read_line(1, raw).record
    written = Canonicaliser("bb", CLASSES)(raw)
    after = ManifestReader("bounding-box").read_line(1, written).record
    assert before is not None
    assert after is not None
    assert after.boxes == before.boxes
    assert b"\n" not in written
    assert others.items() <= json.loads(written).items()


def test_an_id_of_minus_zero_is_zero(manifest_line: ManifestLine) -> None:
    raw = json.dumps(manifest_line()).replace('"class_id": 0', '"class_id": -0').encode()
    assert ManifestReader("bb").read_line(1, raw).record is not None
    assert json.loads(Canonicaliser("bb", CLASSES)(raw))["bounding-box"]["annotations"][0]["class_id"] == 1


def test_boxes_that_the_reader_changed_are_written_changed_and_others_as_they_were() -> None:
    raw = (
        b'{"source-ref":"s3://b/a.jpg","bounding-box":{"image_size":[{"width":10,"height":10}],"annotations":['
        b'{"class_id":"1","left":-1,"top":0.50,"width":5,"height":10.5},'
        b'{"class_id":0,"left":1,"top":1.0,"width":2,"height":3}]},'
        b'"bounding-box-metadata":{"objects":[{},{}],"class-map":{"0":"bolt","1":"nut"}}}'
    )
    line = ManifestReader("bounding-box").read_line(1, raw)
    written = Canonicaliser("bounding-box", CLASSES)(raw, changed_boxes(line))
    assert b'{"class_id":1,"left":0,"top":0.50,"width":4,"height":9.5}' in written
    assert b'{"class_id":0,"left":1,"top":1.0,"width":2,"height":3}' in written
    again = ManifestReader("bounding-box").read_line(1, written)
    assert again.findings == ()
    assert again.record == line.record


def test_a_line_that_was_not_changed_has_no_changed_boxes(manifest_line: ManifestLine) -> None:
    line = ManifestReader("bb").read_line(1, json.dumps(manifest_line()).encode())
    assert changed_boxes(line) is None
