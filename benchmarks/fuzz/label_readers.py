"""Readers of labels: the commands, Prepare, insight and a training channel."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.fuzz import samples
from benchmarks.fuzz.reader import Read, Target, command, function
from benchmarks.fuzz.samples import Files


def _labels(path: Callable[[Path], Path]) -> Read:
    """Return what reads labels of any format, by one command or another."""

    def read(folder: Path, number: int) -> None:
        source, images = path(folder), ["--images", folder / "images"]
        written = folder / "written"
        commands: list[list[str | Path]] = [
            ["labels", "check", source, *images],
            ["labels", "check", source, "--json"],
            ["labels", "stats", source, *images],
            ["labels", "convert", source, written, "--to", "coco", *images],
            ["labels", "convert", source, written, "--to", "yolo", *images],
            ["labels", "convert", source, written, "--to", "groundtruth", "--prefix", samples.PREFIX, *images],
            ["labels", "convert", source, written, "--to", "csv"],
        ]
        command(*commands[number % len(commands)])

    return read


def _in_labels(folder: Path) -> Path:
    return folder / "labels"


def _only_file(folder: Path) -> Path:
    return next(path for path in sorted((folder / "labels").iterdir()) if path.is_file())


def _insight(folder: Path, number: int) -> None:
    options = [[], ["--json"], ["--html", folder / "insight.html"], ["--csv", folder / "tables"]][number % 4]
    command("review", "insight", folder / "labels", *options)


def _prepare(folder: Path, number: int) -> None:
    from steps.prepare.job import main

    options = [[], ["--stratify"], ["--duplicates", "refuse"], ["--classes", "nut", "bolt"]][number % 4]
    sys.exit(
        main(
            [
                *("--manifest", str(folder / "in"), "--check-images", "none"),
                *("--manifests-output", str(folder / "manifests"), "--report-output", str(folder / "report")),
                *("--training-data-output", str(folder / "training-data")),
                *("--message-file", str(folder / "message"), *options),
            ]
        )
    )


def _additional_source(folder: Path, number: int) -> None:
    """Run Prepare with labels in another format beside a valid manifest."""
    from steps.prepare.job import main

    uri = f"s3://bucket/more/{_only_file(folder).name}"
    sys.exit(
        main(
            [
                *("--manifest", str(folder / "in"), "--check-images", "none"),
                *("--additional-source", str(folder / "labels"), "auto", "auto", samples.PREFIX, uri),
                *("--manifests-output", str(folder / "manifests"), "--report-output", str(folder / "report")),
                *("--training-data-output", str(folder / "training-data")),
                *("--message-file", str(folder / "message")),
            ]
        )
    )


def _pipe_manifest(folder: Path, number: int) -> None:
    from groundloop.local.pipe import augmented_samples

    manifest = (folder / "in" / "output.manifest").read_bytes()
    function(lambda: augmented_samples(manifest, "s3://b/m", ["source-ref", "parts"]))


def _classes_option(folder: Path, number: int) -> None:
    text = (folder / "classes.csv").read_bytes().decode(errors="surrogateescape").replace("\0", "")
    command("labels", "check", folder / "in" / "output.manifest", "--classes", text)


def _collected(folder: Path, number: int) -> None:
    from groundloop.labeling.loop_outputs import collect

    function(lambda: collect(folder / "labels"))


def _job_files(folder: Path, number: int) -> None:
    from groundloop.labeling.label_categories import read_label_categories
    from groundloop.labeling.output_manifest import read_output_manifest, read_verdicts

    def read() -> None:
        read_label_categories((folder / "categories.json").read_bytes(), "s3://b/categories.json")
        read_output_manifest((folder / "output.manifest").read_bytes(), "parts")
        read_verdicts((folder / "verified.manifest").read_bytes(), "verdict")

    function(read)


def _job_file_contents() -> Files:
    verdict = {"source-ref": "s3://b/1.jpg", "verdict": "1", "verdict-metadata": {"class-name": "bad"}}
    return {
        "categories.json": b'{"document-version": "2018-11-28", "labels": [{"label": "nut"}, {"label": "bolt"}]}',
        "output.manifest": samples.manifest(),
        "verified.manifest": json.dumps(verdict).encode(),
    }


def _with_manifest(files: Callable[[], Files]) -> Callable[[], Files]:
    return lambda: {"in/output.manifest": samples.manifest(), **files()}


def _manifest() -> Files:
    return {"labels/output.manifest": samples.manifest(), **samples.image_files()}


TARGETS = (
    Target("manifest, by labels", _manifest, ("labels/",), _labels(_only_file), 4),
    Target(
        "manifest.gz, by labels",
        lambda: {"labels/output.manifest.gz": samples.packed(samples.manifest())},
        ("labels/",),
        _labels(_only_file),
    ),
    Target("manifest, by Prepare", _with_manifest(dict), ("in/",), _prepare, 4),
    Target(
        "manifest.gz, by Prepare",
        lambda: {"in/output.manifest.gz": samples.packed(samples.manifest())},
        ("in/",),
        _prepare,
    ),
    *(
        Target(f"{name}, by labels", functools.partial(samples.labels, name), ("labels/",), _labels(path), 2)
        for name, path in (
            ("coco", _only_file),
            ("yolo", _in_labels),
            ("voc", _in_labels),
            ("csv", _only_file),
            ("jumpstart", _in_labels),
            ("groundtruth", _only_file),
        )
    ),
    Target(
        "coco, by Prepare", _with_manifest(functools.partial(samples.labels, "coco")), ("labels/",), _additional_source
    ),
    Target("csv, by Prepare", _with_manifest(samples.csv_with_sizes), ("labels/",), _additional_source),
    Target("A2I output, by labels", samples.human_loop, ("labels/",), _labels(_in_labels), 2),
    Target("A2I output, by insight", samples.human_loop, ("labels/",), _insight),
    Target("A2I output, by a2i collect", samples.human_loop, ("labels/",), _collected),
    Target("files of a labelling job", _job_file_contents, ("",), _job_files),
    Target("worker responses, by insight", samples.labelling_job, ("labels/",), _insight),
    Target("SeqLabel.json, by labels", samples.video, ("labels/",), _labels(_only_file), 2),
    Target(
        "class list of an option", _with_manifest(lambda: {"classes.csv": b"nut,bolt"}), ("classes",), _classes_option
    ),
    Target("manifest, by a training channel", _with_manifest(dict), ("in/",), _pipe_manifest),
)
