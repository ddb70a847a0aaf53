"""What reads the damaged files: commands, jobs and functions, called in this process as a user calls them."""

from __future__ import annotations

import functools
import hashlib
import importlib
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.fuzz import odd_values, samples
from benchmarks.fuzz.samples import Files

Read = Callable[[Path, int], None]


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes:
        name: what it reads and by which command.
        files: its valid input, by name in a folder.
        damaged: beginnings of the names of files that get damaged.
        read: called with the folder and a number that varies its options; may raise SystemExit.
        share: how often it is chosen, against the others.
    """

    name: str
    files: Callable[[], Files]
    damaged: tuple[str, ...]
    read: Read
    share: int = 1


def command(*arguments: str | Path) -> None:
    """Run `groundloop` with these arguments."""
    module = importlib.import_module("pipeline.cli.main")
    with (
        mock.patch.object(sys, "argv", ["groundloop", *map(str, arguments)]),
        mock.patch.object(module, "app", _program()),
    ):
        module.main()


@functools.cache
def _program() -> Any:
    """Return the program, whose many commands take longer to build than most inputs to read."""
    from typer.main import get_command

    from pipeline.cli.main import app

    return get_command(app)


def _function(call: Callable[[], object]) -> None:
    """Call a function of the library, whose own errors are printed as the program prints them."""
    from groundloop.errors import UserError
    from groundloop.local.detector.errors import StandInError
    from groundloop.local.errors import ApiError, JobError
    from groundloop.local.executor.parameters import DefinitionError
    from groundloop.local.recordio import RecordIOError
    from pipeline.cli.output import print_error

    try:
        call()
    except (UserError, StandInError, JobError, ApiError, DefinitionError, RecordIOError) as error:
        print_error(str(error))
        sys.exit(1)


# Labels.


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


# Predictions, evaluations, the registry.


def _evaluate(folder: Path, number: int) -> None:
    command(
        *("evaluate", "--truth", folder / "test.manifest", "--predictions", folder / "predictions"),
        *("--output", folder / "evaluation", "--resamples", 10),
    )


def _evaluate_job(folder: Path, number: int) -> None:
    from steps.evaluate.job import main

    sys.exit(
        main(
            [
                *("--manifests", str(folder / "manifests"), "--predictions", str(folder / "predictions")),
                *("--report", str(folder / "report"), "--output", str(folder / "evaluation"), "--resamples", "10"),
                *("--no-gallery", "--message-file", str(folder / "message")),
            ]
        )
    )


def _evaluate_job_files() -> Files:
    manifest = samples.manifest().replace(b'"parts', b'"bounding-box').splitlines(keepends=True)
    return {
        **{name: content for name, content in samples.predictions().items() if name.endswith(".out")},
        "manifests/validation.manifest": b"".join(manifest[:10]),
        "manifests/test.manifest": b"".join(manifest[10:]),
        "report/summary.json": samples.summary(),
    }


class _Bucket:
    """S3 and the registry of SageMaker, as far as models are read: every object is a file of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803  boto3's names
        return {"Body": io.BytesIO((self._folder / Key).read_bytes())}

    def list_model_packages(self, **_: Any) -> dict[str, Any]:
        return {"ModelPackageSummaryList": [self.describe_model_package()]}

    def describe_model_package(self, **_: Any) -> dict[str, Any]:
        uris = {"evaluation": "evaluation.json", "summary": "summary.json", "test_manifest": "test.manifest"}
        return {
            "ModelPackageArn": "arn:aws:sagemaker:us-east-1:111122223333:model-package/detectors/3",
            "ModelPackageVersion": 3,
            "ModelApprovalStatus": "Approved",
            "CustomerMetadataProperties": {key: f"s3://bucket/{name}" for key, name in uris.items()},
        }

    def get_paginator(self, _: str) -> Any:
        return mock.Mock(paginate=lambda **__: [self.list_model_packages()])


def _registry_files() -> Files:
    return {
        "evaluation.json": samples.evaluation(),
        "summary.json": samples.summary(),
        "test.manifest": samples.manifest(),
        "detections.csv.gz": samples.outcomes(),
    }


def _package(folder: Path, number: int) -> None:
    from groundloop.executions import evaluation
    from groundloop.models import packages
    from pipeline.cli.metrics_table import print_metrics
    from pipeline.cli.run_end import missed_gate_advice

    def read() -> None:
        with mock.patch.object(packages, "client", return_value=_Bucket(folder)):
            package = packages.package("us-east-1", "arn")
        print(len(package.classes), package.threshold, package.thresholds)
        with mock.patch.object(evaluation, "client", return_value=_Bucket(folder)):
            metrics = evaluation.read_metrics("us-east-1", "s3://bucket")
        print_metrics(metrics)
        if metrics["gate"]["thresholds_missed"]:
            missed_gate_advice(metrics)

    _function(read)


def _champion(folder: Path, number: int) -> None:
    from groundloop.detections.evaluate import evaluate
    from groundloop.detections.metrics import as_json
    from groundloop.detections.table import parse_outcomes
    from groundloop.detections.thresholds import ThresholdRule
    from steps.evaluate.champion import compare

    images, classes = _scored(), ["nut", "bolt"]

    def score(of: Any, thresholds: Any) -> Any:
        return as_json(evaluate(of, of, classes, ThresholdRule("best_f1"), resamples=0))

    def read() -> None:
        compared = compare(
            "detectors",
            gains={"map_50": 0.01} if number % 2 else {},
            images=images,
            classes=classes,
            evaluation=json.loads(samples.evaluation()),
            score=score,
            read_table=parse_outcomes,
            clients=lambda _: _Bucket(folder),
        )
        from pipeline.cli.output import print_line

        print_line(compared["message"])

    _function(read)


@functools.cache
def _scored() -> Any:
    """Return the images of the sample with their detections."""
    import tempfile

    from steps.evaluate.ground_truth import join_predictions, read_ground_truth

    with tempfile.TemporaryDirectory() as place:
        folder, classes = Path(place), ["nut", "bolt"]
        samples.write(folder, samples.predictions())
        records = read_ground_truth(folder / "test.manifest", classes, "parts")
        return join_predictions({"test": records}, folder / "predictions", classes).splits["test"]


def _table(folder: Path, number: int) -> None:
    from groundloop.detections.table import parse_outcomes

    _function(lambda: list(parse_outcomes((folder / "detections.csv.gz").read_bytes())))


def _captures(folder: Path, number: int) -> None:
    from groundloop.detections.captures.files import capture_files
    from groundloop.detections.captures.requests import CaptureReader
    from pipeline.cli.output import print_line
    from pipeline.review.captures import captured_images

    def read() -> None:
        found = captured_images(CaptureReader(capture_files(str(folder / "captured"))), ["bolt", "nut"])
        for note in found.notes:
            print_line(note)
        found.store(CaptureReader(capture_files(str(folder / "captured"))), sorted(found.by_name), folder / "images")

    _function(read)


# Definitions, configuration, plans.


def _check(folder: Path, number: int) -> None:
    definitions = sorted(folder.glob("*.json"))
    command("check", definitions[number % len(definitions)], *(["--json"] if number % 3 == 0 else []))


def _check_sample(folder: Path, number: int) -> None:
    command("check", folder / "builtin_vision.json", "--sample", f"Prepare.Summary={folder / 'summary.json'}")


def _offline_definition(folder: Path, number: int) -> None:
    from groundloop.local.executor.definition import parse

    text = (folder / "builtin_vision.json").read_bytes().decode(errors="surrogateescape")
    _function(lambda: parse(text))


_SET = ("aws.role=arn:aws:iam::111122223333:role/r", "aws.bucket=bucket", "labels.manifest=s3://bucket/m.manifest")


def _config(folder: Path, number: int) -> None:
    settings = [part for assignment in _SET for part in ("--set", assignment)]
    command("config", "show", "--config", folder / "settings.yaml", *settings)


def _assignment(folder: Path, number: int) -> None:
    """Read an odd value of `--set`, of whatever key."""
    keys = ("training.hyperparameters.epochs", "aws.bucket", "gate.thresholds", "prepare.classes", "x", "", "a..b")
    value = odd_values.YAML_VALUES[number % len(odd_values.YAML_VALUES)].replace("\0", "")
    key = keys[(folder / "settings.yaml").stat().st_size % len(keys)]
    settings = [part for assignment in (*_SET, f"{key}={value}") for part in ("--set", assignment)]
    command("config", "show", "--config", folder / "settings.yaml", *settings)


def _plan_files() -> Files:
    return {"plan.json": _plan()}


@functools.cache
def _plan() -> bytes:
    from importlib.metadata import version

    from pipeline.config.loading import load_config

    pipeline = {"name": "detector", "description": "", "role": "r", "tags": {}, "definition": "{}"}
    content = {
        "format": 1,
        "groundloop": version("groundloop"),
        "config": load_config(assignments=_SET, environment={}, project=False).model_dump(mode="json"),
        "pipelines": [pipeline],
        "archives": {"prepare": "ab" * 32},
        "rules": {},
        "fingerprint": {"account": "111122223333", "pipelines": {}, "group": True, "rules": {}},
        "shown": {"differs": True},
    }
    return json.dumps({**content, "sha256": _sha256(content)}).encode()


def _sha256(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _saved_plan(folder: Path, number: int) -> None:
    """Read a plan; every second one gets the hash of what is in it, so that the rest is looked at too."""
    from pipeline.plan.saved_plan import load_plan

    path = folder / "plan.json"
    if number % 2:
        try:
            content = json.loads(path.read_bytes())
            content["sha256"] = _sha256({key: value for key, value in content.items() if key != "sha256"})
            path.write_text(json.dumps(content))
        except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
            pass
    _function(lambda: load_plan(path))


# Archives, images, streams.


def _archive(folder: Path, number: int) -> None:
    from groundloop.local.archive import unpack
    from groundloop.local.detector.artifact import load_archive

    archive = folder / "model.tar.gz"
    if number % 2:
        _function(lambda: load_archive(archive))
    else:
        _function(lambda: unpack(archive, folder / "unpacked", "model.tar.gz"))


def _code_archive(folder: Path, number: int) -> None:
    from pipeline.plan import job_code

    step = mock.Mock(raw={"uri": f"s3://bucket/code/{'0' * 64}/groundloop-prepare.py"})
    ours = mock.Mock(content=samples.code_archive()["code.zip"])
    ours.name = "prepare"
    bucket = mock.Mock(get_object=lambda **_: {"Body": io.BytesIO((folder / "code.zip").read_bytes())})
    with mock.patch.object(job_code, "client", return_value=bucket):
        _function(lambda: job_code.changed_files("us-east-1", step, [ours]))


def _journal(folder: Path, number: int) -> None:
    from pipeline.prove.journal import Journal

    _function(lambda: Journal(folder).close())


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

    _function(read)


def _records(folder: Path, number: int) -> None:
    from groundloop.local.recordio import read_records

    _function(lambda: list(read_records(io.BytesIO((folder / "stream.bin").read_bytes()))))


def _record_files() -> Files:
    from groundloop.local.recordio import frame

    return {"stream.bin": frame(b"abcde") + frame(b"x" * 100)}


def _pipe_manifest(folder: Path, number: int) -> None:
    from groundloop.local.pipe import augmented_samples

    manifest = (folder / "in" / "output.manifest").read_bytes()
    _function(lambda: augmented_samples(manifest, "s3://b/m", ["source-ref", "parts"]))


def _classes_option(folder: Path, number: int) -> None:
    text = (folder / "classes.csv").read_bytes().decode(errors="surrogateescape").replace("\0", "")
    command("labels", "check", folder / "in" / "output.manifest", "--classes", text)


def _collected(folder: Path, number: int) -> None:
    from groundloop.labeling.loop_outputs import collect

    _function(lambda: collect(folder / "labels"))


def _job_files(folder: Path, number: int) -> None:
    from groundloop.labeling.label_categories import read_label_categories
    from groundloop.labeling.output_manifest import read_output_manifest, read_verdicts

    def read() -> None:
        read_label_categories((folder / "categories.json").read_bytes(), "s3://b/categories.json")
        read_output_manifest((folder / "output.manifest").read_bytes(), "parts")
        read_verdicts((folder / "verified.manifest").read_bytes(), "verdict")

    _function(read)


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
    Target("predictions, by evaluate", samples.predictions, ("predictions/", "test."), _evaluate, 2),
    Target(
        "predictions, by Evaluate", _evaluate_job_files, ("predictions/", "manifests/", "report/"), _evaluate_job, 2
    ),
    Target("detections.csv.gz", lambda: {"detections.csv.gz": samples.outcomes()}, ("detections",), _table, 2),
    Target("captured requests", samples.captures, ("captured/",), _captures, 2),
    Target("evaluation and summary of a model version", _registry_files, ("evaluation", "summary"), _package, 2),
    Target("files of the champion", _registry_files, ("evaluation", "detections", "test."), _champion, 2),
    Target("definition, by check", samples.definitions, ("",), _check, 3),
    Target(
        "property file, by check",
        lambda: {**samples.definitions(), "summary.json": samples.summary()},
        ("summary",),
        _check_sample,
    ),
    Target("definition, by the offline AWS", samples.definitions, ("builtin",), _offline_definition, 2),
    Target("configuration", samples.configuration, ("settings",), _config, 3),
    Target("value of --set", samples.configuration, (), _assignment),
    Target("plan file", _plan_files, ("plan",), _saved_plan, 2),
    Target("model archive", samples.model_archive, ("model",), _archive, 2),
    Target("code archive", samples.code_archive, ("code",), _code_archive),
    Target("journal of a proof", _journal_files, ("journal",), _journal),
    Target("images", samples.image_files, ("images/",), _image, 2),
    Target("RecordIO", _record_files, ("stream",), _records),
    Target("manifest, by a training channel", _with_manifest(dict), ("in/",), _pipe_manifest),
)
