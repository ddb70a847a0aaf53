"""Labels made to exhaust time or memory: what they hold too much of is a finding or an error, at once."""

from __future__ import annotations

import gzip
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.labels import line_reader, manifest
from groundloop.labels.class_maps import MAX_CLASSES, ClassMaps, check_class_count, order_of_classes
from groundloop.labels.classes import ClassList
from groundloop.labels.fast_reader import FastLineReader
from groundloop.labels.findings import LabelCode
from groundloop.labels.formats.dataset import check_classes
from groundloop.labels.line_reader import open_manifest, raw_lines, unpack
from groundloop.labels.manifest import MAX_FINDINGS_PER_CODE, ManifestReader
from groundloop.labels.records import Line, LineStatus

ManifestLine = Callable[..., dict[str, Any]]
ReadLine = Callable[..., Line]

NAMES = {str(number): f"class {number}" for number in range(MAX_CLASSES + 1)}


class TestOneLine:
    def test_of_many_findings_the_first_are_kept_and_the_others_counted(
        self, manifest_line: ManifestLine, read_line: ReadLine
    ) -> None:
        line = manifest_line(boxes=5 * MAX_FINDINGS_PER_CODE)
        for box in line["bb"]["annotations"]:
            box["class_id"] = 7
        found = read_line(line)
        assert found.status is LineStatus.REJECTED
        of_boxes = [one for one in found.findings if one.code is LabelCode.MISSING_CLASS_MAP_ID]
        assert len(of_boxes) == MAX_FINDINGS_PER_CODE + 1
        assert of_boxes[-1].message == f"{4 * MAX_FINDINGS_PER_CODE} more boxes of the line have such a problem"

    def test_an_error_behind_many_warnings_rejects_the_line(
        self, manifest_line: ManifestLine, read_line: ReadLine
    ) -> None:
        line = manifest_line(boxes=2 * MAX_FINDINGS_PER_CODE)
        for box in line["bb"]["annotations"]:
            box["left"] = -1
        assert read_line(line).status is LineStatus.LABELLED
        line["bb"]["annotations"][-1]["class_id"] = 7
        assert read_line(line).status is LineStatus.REJECTED

    def test_a_message_names_the_first_ids_of_a_large_map(
        self, manifest_line: ManifestLine, read_line: ReadLine
    ) -> None:
        line = manifest_line(class_map={str(number): f"{number}" for number in range(1, 1001)})
        (finding,) = read_line(line).findings
        assert finding.message == "box 1: class_id 0 is not in the class-map (1, 2, 3, 4, 5, 6, 7, 8 and 992 more)"

    def test_a_map_of_too_many_classes_rejects_the_line(self, manifest_line: ManifestLine, read_line: ReadLine) -> None:
        line = manifest_line(class_map=NAMES)
        (finding,) = read_line(line).findings
        assert finding.code is LabelCode.INVALID_METADATA
        assert finding.message == "the class-map has 2,001 entries, more than 2,000"
        assert FastLineReader("bb", None, 300)(json.dumps(line).encode()) is None

    @pytest.mark.parametrize("class_id", ["9" * 5_000, 10**25, -(10**30)], ids=["text", "26 digits", "negative"])
    def test_an_id_of_many_digits_is_a_finding(
        self, class_id: int | str, manifest_line: ManifestLine, read_line: ReadLine
    ) -> None:
        line = manifest_line()
        line["bb"]["annotations"][0]["class_id"] = class_id
        assert read_line(line).status is LineStatus.REJECTED

    def test_a_map_with_an_id_of_many_digits(self, manifest_line: ManifestLine, read_line: ReadLine) -> None:
        line = manifest_line(class_map={"0": "nut", "9" * 5_000: "bolt"})
        assert read_line(line).status is LineStatus.LABELLED
        record = FastLineReader("bb", None, 300)(json.dumps(line).encode())
        assert record is None or record.class_ids == [0]

    def test_nine_megabytes_are_read_in_seconds(self, manifest_line: ManifestLine) -> None:
        line = manifest_line(boxes=100_000)
        for box in line["bb"]["annotations"]:
            box["class_id"] = 7
        line["bb-metadata"]["class-map"] = dict(list(NAMES.items())[100:])
        raw = json.dumps(line).encode()
        assert 5_000_000 < len(raw) < line_reader.MAX_LINE_BYTES
        begun = time.process_time()
        found = ManifestReader("bb").read_line(1, raw)
        assert time.process_time() - begun < 3
        assert sum(len(finding.message) for finding in found.findings) < 100_000


class TestClasses:
    @pytest.mark.parametrize(
        "use",
        [
            pytest.param(check_class_count, id="counted"),
            pytest.param(ClassList.from_union, id="of a manifest"),
            pytest.param(ClassList.from_config, id="configured"),
            pytest.param(lambda names: check_classes(names, Path("x")), id="of another format"),
            pytest.param(lambda names: ClassMaps().add(dict(zip(names, names, strict=True)), 1), id="of class maps"),
            pytest.param(lambda names: order_of_classes([(1, NAMES)]), id="ordered"),
        ],
    )
    def test_there_can_be_only_so_many(self, use: Callable[[list[str]], object]) -> None:
        with pytest.raises(UserError, match=r"more than 2,000 class names \(.*and 1,998 more\)"):
            use(list(NAMES.values()))

    def test_maps_with_many_entries_are_not_all_remembered(
        self, manifest_line: ManifestLine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("groundloop.labels.fast_reader.MAX_CLASS_MAP_ENTRIES", 3)
        reader = FastLineReader("bb", None, 300)
        read = [
            reader(json.dumps(manifest_line(class_map={"0": "nut", "1": f"bolt {number}"})).encode())
            for number in range(4)
        ]
        assert [record is not None for record in read] == [True, True, False, False]


class TestCompressed:
    @pytest.fixture(autouse=True)
    def small_lines(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(line_reader, "MAX_LINE_BYTES", 100)
        monkeypatch.setattr(manifest, "MAX_LINE_BYTES", 100)

    @pytest.mark.parametrize("ending", [b"\n", b"\r\n", b""], ids=["LF", "CRLF", "none"])
    def test_of_a_long_line_only_the_start_is_unpacked(self, ending: bytes) -> None:
        plain = io.BytesIO()
        unpack(io.BytesIO(b"a\n" + b"x" * 3_000_000 + b"\nb" + ending), plain, "m.gz")
        first, long, *rest = plain.getvalue().split(b"\n")
        assert (first, b"\n".join(rest)) == (b"a", b"b" + ending)
        assert 100 < len(long) < 110

    def test_a_line_without_an_end_is_an_error(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(line_reader, "MAX_UNREAD_BYTES", 1_000)
        path = tmp_path / "m.gz"
        path.write_bytes(gzip.compress(b"a\n" + b"x" * 100_000))
        with pytest.raises(UserError, match=r"line 2 of the compressed manifest .* longer than 1,000 bytes"):
            unpack(io.BytesIO(b"a\n" + b"x" * 100_000), io.BytesIO(), "m.gz")
        with open_manifest(path) as stream, pytest.raises(UserError, match="line 2 of the compressed manifest"):
            list(raw_lines(stream))
