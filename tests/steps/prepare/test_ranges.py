"""However the work is shared out, the files are the same to the byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from steps.prepare import job
from steps.prepare.parallel import InProcess

ManifestLine = Callable[..., dict[str, Any]]
Prepare = Callable[..., Any]


class OneByOne(InProcess):
    """As many parts as processes would get, worked on here."""

    def __init__(self, width: int) -> None:
        self.width = width


@pytest.fixture
def every_kind(manifest_line: ManifestLine) -> list[dict[str, Any] | bytes]:
    """A hundred lines with duplicates, faults of every sort, negatives, boxes to be clipped, two class maps."""
    lines: list[dict[str, Any] | bytes] = []
    for n in range(100):
        names = ["nut", "bolt", "cog"][: n % 4]
        line = manifest_line(f"{n % 90}.jpg", *(names if n % 8 > 3 else names[::-1]))
        if n % 11 == 5 and names:
            line["bb"]["annotations"][0]["left"] = 55
        if n % 17 == 3 and names:
            line["bb"]["annotations"][0]["class_id"] = 99
        lines.append(line | {"patient": n % 7})
    return [*lines[:50], b"", b"{broken", b"\xff", {"source-ref": "s3://bucket/new.jpg"}, *lines[50:]]


def _files(done: Any) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for folder in (done.manifests, done.report) for path in folder.iterdir()}


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="as a rule"),
        pytest.param(["--train-negatives", "keep", "--duplicates", "first"], id="negatives kept, first label"),
        pytest.param(["--group-key=patient"], id="grouped"),
        pytest.param(["--stratify"], id="stratified"),
    ],
)
def test_1_2_and_8_ranges_give_the_same_bytes(
    prepare: Prepare,
    every_kind: list[dict[str, Any] | bytes],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
) -> None:
    shares = ("--validation-fraction", "0.3", "--test-fraction", "0.3")
    results = []
    for width in (1, 2, 8):
        monkeypatch.setattr(job, "choose_executor", lambda *_, width=width: OneByOne(width))
        done = prepare(every_kind, *shares, *arguments)
        assert done.code == 0, done.message
        results.append((_files(done), done.out))
    assert results[0] == results[1] == results[2]
    assert len(results[0][0]) == 6


def test_two_real_processes_give_them_too(prepare: Prepare, every_kind: list[dict[str, Any] | bytes]) -> None:
    one = _files(prepare(every_kind, "--validation-fraction", "0.3", "--test-fraction", "0.3"))
    two = _files(prepare(every_kind, "--validation-fraction", "0.3", "--test-fraction", "0.3", "--processes", "2"))
    assert one == two


def test_the_fingerprint_is_of_what_is_written(prepare: Prepare, manifest_line: ManifestLine) -> None:
    lines = [manifest_line(f"{n}.jpg", "nut") for n in range(40)]
    moved = json.loads(json.dumps(lines))
    moved[7]["bb"]["annotations"][0]["left"] = 3

    def fingerprint(lines: list[Any], *arguments: str) -> str:
        found: str = prepare(lines, *arguments).summary["fingerprint"]
        return found

    first = fingerprint(lines)
    assert len(first) == 64
    assert fingerprint([*lines, b"{broken"]) == first
    others = [fingerprint(moved), fingerprint(lines[1:]), fingerprint(lines, "--split-seed", "4")]
    others += [fingerprint(lines, "--shuffle-seed", "9"), fingerprint(lines, "--classes", "nut", "bolt")]
    assert len({first, *others}) == 6


def test_memory_is_not_held_by_line(prepare: Prepare, manifest_line: ManifestLine, tmp_path: Path) -> None:
    """Five thousand lines of 4 KB, 20 MB in all: reading and writing them takes under 6 MB."""
    import tracemalloc

    note = "x" * 4000
    lines = [manifest_line(f"{n}.jpg", "nut") | {"note": note} for n in range(200)]
    prepare(lines)
    raw = [json.dumps(line).encode() for line in lines]
    many = [line.replace(b".jpg", b"-%d.jpg" % n) for n in range(25) for line in raw]
    folder = tmp_path / "in"
    (folder / "output.manifest").write_bytes(b"\n".join(many))
    del many
    arguments = ["--manifest", str(folder), "--check-images", "none", "--label-attribute", "bb"]
    arguments += ["--manifests-output", str(tmp_path / "m"), "--report-output", str(tmp_path / "r")]
    arguments += ["--training-data-output", str(tmp_path / "t")]
    arguments += ["--message-file", str(tmp_path / "message"), "--processes", "1"]
    tracemalloc.start()
    try:
        assert job.main(arguments) == 0
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6_000_000
