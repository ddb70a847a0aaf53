"""Readers of archives, images, journals and streams."""

from __future__ import annotations

import io
import json
from datetime import datetime, timedelta, timezone
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


def _training_log_files() -> Files:
    header = "[11/20/2026 10:00:00 INFO 1400] "
    quality = f"{header}#quality_metric: host=algo-1, epoch="
    lines = [
        line
        for epoch in range(9)
        for line in (
            f"{header}Epoch:    {epoch}, batches:    100, num_examples:   3200",
            f"{quality}{epoch}, batch=20 train cross_entropy <loss>=({2 / (epoch + 1)})",
            f"{quality}{epoch}, batch=20 train smooth_l1 <loss>=({1 / (epoch + 1)})",
            f"{header}#progress_metric: host=algo-1, completed {10 * epoch} %",
            f"{header}#throughput_metric: host=algo-1, train throughput=41.5 records/second",
            f"{quality}{epoch}, validation mAP <score>=({0.1 * epoch})",
            "Expected number of batches: 20, did not match the number of batches processed: 19.",
        )
    ]
    return {"training.log": "\n".join(lines).encode()}


def _training_log(folder: Path, number: int) -> None:
    """Read the lines as CloudWatch Logs delivers them, each with its time, and apply the rules."""
    from groundloop.executions.training_progress import EpochEnded, FindingAppeared
    from groundloop.spec.training_log import TrainingLog, best_epoch
    from groundloop.spec.training_rules import TrainingJobDescription, find, projected_end
    from pipeline.cli.job_events import event_json, event_text
    from pipeline.cli.output import print_json_line, print_line

    log, begun = TrainingLog(), datetime(2026, 1, 1, tzinfo=timezone.utc)
    for count, line in enumerate((folder / "training.log").read_bytes().decode(errors="replace").splitlines()):
        log.add(line, begun + timedelta(seconds=count))
    job = TrainingJobDescription(10, training_samples=100, started=begun, max_runtime_seconds=60)
    end = projected_end(log, job)
    events = [EpochEnded(epoch, 10, epoch.throughput, best_epoch(log.epochs), end) for epoch in log.epochs]
    for event in (*events, *map(FindingAppeared, find(log, job, begun + timedelta(hours=number % 3)))):
        print_line(event_text(event))
        print_json_line(event_json(event))


TARGETS = (
    Target("model archive", samples.model_archive, ("model",), _archive, 2),
    Target("code archive", samples.code_archive, ("code",), _code_archive),
    Target("journal of a proof", _journal_files, ("journal",), _journal),
    Target("images", samples.image_files, ("images/",), _image, 2),
    Target("RecordIO", _record_files, ("stream",), _records),
    Target("log of a training job", _training_log_files, ("training",), _training_log),
)
