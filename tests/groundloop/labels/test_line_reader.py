from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from groundloop.errors import UserError
from groundloop.labels.attributes import choose_attribute, find_attributes
from groundloop.labels.findings import LabelCode
from groundloop.labels.line_reader import byte_ranges, lines_of
from groundloop.labels.manifest import ManifestReader, open_manifest, raw_lines
from groundloop.labels.records import LineStatus

ManifestLine = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        pytest.param(b"", [], id="empty file"),
        pytest.param(b"a\nb\n", [b"a", b"b"], id="final newline is not a line"),
        pytest.param(b"a\nb", [b"a", b"b"], id="no final newline"),
        pytest.param(b"a\r\nb\r\n", [b"a", b"b"], id="CRLF"),
        pytest.param(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", [b"a", b"\xef\xbb\xbfb"], id="byte order mark at the start"),
        pytest.param(b"a\n\n \nb\n\n", [b"a", b"", b" ", b"b", b""], id="blank lines count"),
        pytest.param(b"a\rb\n", [b"a\rb"], id="a lone CR ends no line"),
    ],
)
def test_lines_of_a_file(data: bytes, lines: list[bytes]) -> None:
    assert list(raw_lines(io.BytesIO(data))) == lines


def test_a_file_is_read_with_bom_crlf_and_blank_lines(tmp_path: Path, manifest_line: ManifestLine) -> None:
    path = tmp_path / "output.manifest"
    first, second = (json.dumps(manifest_line(key)).encode() for key in ("a.jpg", "b.jpg"))
    path.write_bytes(b"\xef\xbb\xbf" + first + b"\r\n\r\n" + second)
    with open_manifest(path) as stream:
        lines = list(ManifestReader("bb").read(stream))
    assert [(line.number, line.status) for line in lines] == [
        (1, LineStatus.LABELLED),
        (2, LineStatus.BLANK),
        (3, LineStatus.LABELLED),
    ]


def test_a_missing_file_is_a_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing\.manifest does not exist"):
        open_manifest(tmp_path / "nothing.manifest")
    with pytest.raises(UserError, match="cannot be read"):
        open_manifest(tmp_path)


@pytest.mark.parametrize("name", ["output.manifest", "output.manifest.gz"])
def test_a_compressed_file_is_unpacked_whatever_its_name(
    tmp_path: Path, manifest_line: ManifestLine, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(b"\n".join(json.dumps(manifest_line(f"{n}.jpg")).encode() for n in range(3))))
    with open_manifest(path) as stream:
        assert choose_attribute(find_attributes(raw_lines(stream))) == "bb"
    with open_manifest(path) as stream:
        assert [line.status for line in ManifestReader("bb").read(stream)] == [LineStatus.LABELLED] * 3


def _packed() -> bytes:
    return gzip.compress(b"".join(b"%d\n" % n for n in range(100_000)))


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(_packed()[:-20], id="cut off"),
        pytest.param(_packed()[:5000] + b"\0" * 50 + _packed()[5050:], id="bytes overwritten"),
        pytest.param(b"\x1f\x8bno gzip", id="only the first bytes of gzip"),
        pytest.param(_packed() + b"more", id="rubbish behind"),
    ],
)
def test_a_damaged_compressed_file_is_a_users_mistake(tmp_path: Path, packed: bytes) -> None:
    path = tmp_path / "output.manifest"
    path.write_bytes(packed)
    with open_manifest(path) as stream, pytest.raises(UserError, match=r"output\.manifest is damaged after line \d+"):
        list(raw_lines(stream))


@pytest.mark.parametrize("beyond", [0, 1, 2, 3, 6, 7, 500])
def test_a_line_over_the_limit_is_refused_unread_and_the_next_ones_are_read(
    tmp_path: Path, manifest_line: ManifestLine, monkeypatch: pytest.MonkeyPatch, beyond: int
) -> None:
    for module in ("line_reader", "manifest", "attributes"):
        monkeypatch.setattr(f"groundloop.labels.{module}.MAX_LINE_BYTES", 1000)
    first, long = manifest_line(), manifest_line("b.jpg") | {"note": ""}
    long["note"] = "x" * (1000 + beyond - len(json.dumps(long)))
    path = tmp_path / "output.manifest"
    path.write_text("\r\n".join(json.dumps(line) for line in (first, long, first)))
    with open_manifest(path) as stream:
        lines = list(ManifestReader("bb").read(stream))
    assert [line.number for line in lines] == [1, 2, 3]
    assert [line.status for line in lines] == [
        LineStatus.LABELLED,
        LineStatus.REJECTED if beyond else LineStatus.LABELLED,
        LineStatus.LABELLED,
    ]
    assert len(lines[1].raw) <= 1005
    if beyond:
        assert [finding.code for finding in lines[1].findings] == [LabelCode.LINE_TOO_LONG]


@settings(deadline=None)
@example(b"\xef\xbb\xbf", 1)
@example(b"\xef\xbb\xbf\n\r\n\n", 2)
@given(st.binary(max_size=300).map(lambda data: data.replace(b"\x00", b"\n")), st.integers(1, 9))
def test_ranges_give_every_line_once_with_its_number_and_place(data: bytes, count: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "output.manifest"
        path.write_bytes(data)
        found = [
            (number, offset, raw)
            for within in byte_ranges(path, count)
            for number, (offset, raw) in enumerate(lines_of(path, within), start=within.first_line)
        ]
        with path.open("rb") as stream:
            assert [raw for _, _, raw in found] == list(raw_lines(stream))
    assert [number for number, _, _ in found] == list(range(1, len(found) + 1))
    assert all(data[offset : offset + len(raw)] == raw for _, offset, raw in found)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_ranges_are_of_about_the_same_size(tmp_path: Path, count: int) -> None:
    path = tmp_path / "output.manifest"
    path.write_bytes(b"x" * 9 + b"\n" + (b"y" * 99 + b"\n") * 699)
    ranges = byte_ranges(path, count)
    assert len(ranges) == count
    assert max(one.end - one.start for one in ranges) < 69910 / count + 200


def test_a_line_longer_than_a_range_is_in_one_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundloop.labels.line_reader.MAX_LINE_BYTES", 50)
    path = tmp_path / "output.manifest"
    path.write_bytes(b"a\n" + b"x" * 1000 + b"\nb\n")
    read = [raw for within in byte_ranges(path, 8) for _, raw in lines_of(path, within)]
    assert [len(raw) for raw in read] == [1, 55, 1]
