"""Readers of archives, images, journals and streams."""

from __future__ import annotations

import io
import json
from pathlib import Path
from unittest import mock

from benchmarks.fuzz import samples
from benchmarks.fuzz.reader import Target, function
from benchmarks.fuzz.samples import Files


def _archive(folder: Path, number: int) -> None:
    from groundloop.local.archive import unpack
    from groundloop.local.detector.artifact import load_archive

    archive = folder / "model.tar.gz"
    if number % 2:
        function(lambda: load_archive(archive))
    else:
        function(lambda: unpack(archive, folder / "unpacked", "model.tar.gz"))


def _code_archive(folder: Path, number: int) -> None:
    from pipeline.plan import job_code

    step = mock.Mock(raw={"uri": f"s3://bucket/code/{'0' * 64}/groundloop-prepare.py"})
    ours = mock.Mock(content=samples.code_archive()["code.zip"])
    ours.name = "prepare"
    bucket = mock.Mock(get_object=lambda **_: {"Body": io.BytesIO((folder / "code.zip").read_bytes())})
    with mock.patch.object(job_code, "client", return_value=bucket):
        function(lambda: job_code.changed_files("us-east-1", step, [ours]))


def _journal(folder: Path, number: int) -> None:
    from pipeline.prove.journal import Journal

    function(lambda: Journal(folder).close())


def _journal_files() -> Files:
    place = {"place": {"run": "abcd", "region": "us-east-1", "account": "1", "offline": ""}}
    create = {"create": {"kind": "pipeline", "name": "x", "note": ""}}
    return {"journal.jsonl": "\n".join(map(json.dumps, (place, create))).encode() + b"\n"}


def _image(folder: Path, number: int) -> None:
    from groundloop.images.decoding import image_problem
    from groundloop.images.size import image_size
    from groundloop.images.upright import copy_upright
    from pipeline.cli.output import print_line

    paths = sorted(path for path in (folder / "images").rglob("*") if path.is_file())

    def read() -> None:
        for path in paths:
            problem = image_problem(path.read_bytes(), 64, 48)
            if problem:
                print_line(problem[1])
        for path in paths:
            with (folder / "copy").open("wb") as target:
                copy_upright(path, target)
            image_size(path)

    function(read)


def _records(folder: Path, number: int) -> None:
    from groundloop.local.recordio import read_records

    function(lambda: list(read_records(io.BytesIO((folder / "stream.bin").read_bytes()))))


def _record_files() -> Files:
    from groundloop.local.recordio import frame

    return {"stream.bin": frame(b"abcde") + frame(b"x" * 100)}


TARGETS = (
    Target("model archive", samples.model_archive, ("model",), _archive, 2),
    Target("code archive", samples.code_archive, ("code",), _code_archive),
    Target("journal of a proof", _journal_files, ("journal",), _journal),
    Target("images", samples.image_files, ("images/",), _image, 2),
    Target("RecordIO", _record_files, ("stream",), _records),
)
