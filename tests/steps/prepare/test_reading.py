"""Reading a range: whatever the bytes are, each line becomes an entry of the index, a rejected line, or blank."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from groundloop.labels.grouping import Grouping
from groundloop.labels.line_reader import byte_ranges, raw_lines
from groundloop.labels.records import LineStatus
from steps.prepare.reading import UNUSED, ReadOptions, ReadTask, read
from steps.prepare.sources import ManifestSource

VALID = (
    b'{"source-ref":"s3://b/%d.jpg","bb":{"image_size":[{"width":9,"height":9}],"annotations":[{"class_id":0,"left":1,'
    b'"top":1,"width":3,"height":%d}]},"bb-metadata":{"objects":[{"confidence":0}],"class-map":{"0":"nut"},'
    b'"type":"groundtruth/object-detection"}}'
)
LINES = st.one_of(
    st.binary(max_size=40),
    st.tuples(st.integers(0, 9), st.integers(0, 12)).map(lambda pair: VALID % pair),
    st.tuples(st.integers(0, 300), st.binary(max_size=3)).map(
        lambda cut: VALID[: cut[0]] + cut[1] + VALID[cut[0] :]  # a valid line with something in it
    ),
)
RULES = ReadOptions(classes=None, clip_tolerance=2, image_shape=300, seed=1, grouping=Grouping())


@settings(deadline=None, max_examples=80)
@given(st.lists(LINES, max_size=12), st.sampled_from([b"\n", b"\r\n"]), st.integers(1, 3))
def test_no_line_is_ever_lost(lines: list[bytes], ending: bytes, ranges: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "output.manifest")
        path.write_bytes(ending.join(lines))
        with path.open("rb") as stream:
            expected = list(raw_lines(stream))
        parts, entries = [], []
        for within in byte_ranges(path, ranges):
            rejected = Path(folder, f"rejected-{within.start}")
            parts.append(read(ReadTask(0, ManifestSource(path, "s3://b/m", "bb"), within, RULES, rejected)))
            entries += [json.loads(line) for line in rejected.read_bytes().splitlines()]
    kinds = sum((part.statuses for part in parts), start=Counter[LineStatus]())
    assert kinds.total() == len(expected)
    usable = [number for part in parts for number in part.index.number]
    refused = [number for part in parts for number in part.rejected_numbers]
    blank = [number for number, line in enumerate(expected, start=1) if not line.strip()]
    assert sorted([*usable, *refused, *blank]) == list(range(1, len(expected) + 1))
    assert [entry["line"] for entry in entries] == refused
    assert len(refused) == sum(kinds[kind] for kind in UNUSED)
    assert len(usable) == kinds[LineStatus.LABELLED] + kinds[LineStatus.NEGATIVE]
    data = ending.join(lines)
    for part in parts:
        for offset, length, number in zip(part.index.offset, part.index.length, part.index.number, strict=True):
            assert data[offset : offset + length] == expected[number - 1]
