"""`groundloop review finish`: from answers to labels for the next training run."""

from __future__ import annotations

import contextlib
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load, suggest
from pipeline.cli.output import print_json, print_line, print_values, print_warning
from pipeline.cli.review.queues import FOLDER, QueueName, open_queue

if TYPE_CHECKING:
    from groundloop.review.finish import Finished
    from groundloop.review.queue import Queue, QueueInfo


def finish(
    name: QueueName,
    publish: Annotated[
        bool, typer.Option("--publish", help="Upload the manifest, and images that are on disk.")
    ] = False,
    start: Annotated[bool, typer.Option("--start", help="Publish, and start an execution with it.")] = False,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Make a Ground Truth manifest of the answers.

    Where several people are asked their boxes are consolidated; of one person's answers the newest counts. Skipped, bad
    and unsure images give no line, and neither do images whose answers disagree. reviews/reviewed.manifest holds the
    lines of all finished queues, for each image the newest. A queue can be finished again after more answers.

    Example: groundloop review finish week-47 --publish
    """
    from groundloop.errors import UserError
    from groundloop.labels.label_input import LOCAL_PREFIX
    from groundloop.review.finish import MANIFEST, as_manifest, finished, finished_queues, union

    publish = publish or start
    settings = load(config, assignments) if publish else None
    with contextlib.closing(open_queue(name)) as queue:
        info = queue.info
        prefix = info.image_prefix
        if info.images and not prefix:
            # Files of two folders may have the same name.
            root = f"s3://{settings.aws.bucket}/{settings.aws.prefix}/images/" if settings else LOCAL_PREFIX
            prefix = f"{root}{Path(info.images).name}/"
        result = finished(queue, prefix)
        if info.backup is not None:
            _check_backup(queue, info.backup, required=publish)
        folder = queue.database.path.parent
    if not result.lines:
        raise UserError(f"{info.name}: no image has an answer that is a label yet: groundloop review serve {info.name}")
    own = folder / MANIFEST
    own.write_bytes(as_manifest(result.lines))
    together = union(finished_queues(FOLDER), info.label_attribute)
    content, path = as_manifest(together), FOLDER / MANIFEST
    path.write_bytes(content)
    uri = None
    if settings is not None:
        from pipeline.review.publish import publish_manifest

        uri = publish_manifest(settings, content, info, result, prefix)
    if as_json:
        print_json(_as_json(info, result, own, path, len(together), uri))
    else:
        _print(info, result, own, path, len(together))
        _print_next(info, path, uri, started=start)
    if start and uri is not None and settings is not None:
        from pipeline.review.publish import start_with

        print_line(f"started {start_with(settings, uri)}", to_stderr=as_json)
    elif settings is not None and settings.triggers.retrain_when is not None:
        from pipeline.review.publish import retrain_when_due

        print_line(str(retrain_when_due(settings)), to_stderr=as_json)


def _check_backup(queue: Queue, prefix: str, *, required: bool) -> None:
    """Write the answers that S3 lacks, and check that all are there.

    Raises:
        UserError: they are not, and the labels are to be published; otherwise that is only said.
    """
    from groundloop.errors import UserError
    from groundloop.review.backup import Backup

    backup = Backup(queue, prefix)
    if backup.try_to_save() and not (missing := backup.missing()):
        return
    why = backup.problem or f"S3 does not list {missing} of them"
    message = f"the backup of the answers in {backup.place} is not complete: {why}"
    if required:
        raise UserError(f"{message}; run the command again, or without --publish for the labels on this disk")
    print_warning(message)


def _print(info: QueueInfo, result: Finished, own: Path, together: Path, lines: int) -> None:
    from groundloop.review.wire import Outcome

    left_out = {
        Outcome.SKIP: "skipped",
        Outcome.UNSURE: "unsure",
        Outcome.BAD_IMAGE: "bad images",
    }
    parts = [f"{result.outcomes[outcome]} {text}" for outcome, text in left_out.items() if result.outcomes[outcome]]
    parts += [f"{result.disputed} whose answers disagree"] if result.disputed else []
    parts += [f"{result.unanswered} not answered"] if result.unanswered else []
    values: dict[str, object] = {
        "labels": f"{len(result.lines)} images, {result.boxes} boxes, {result.negatives} without objects",
        "left out": ", ".join(parts) or "none",
    }
    if result.consolidated:
        values["consolidated"] = f"{result.consolidated} images, from the boxes of several people"
    if result.disputed:
        values["to decide"] = suggest("review", "serve", info.name, "--adjudicator", "NAME")
    if info.mode == "review":
        values["changed"] = f"{result.changed} of the images that were shown with boxes"
    if result.train_only:
        values["train only"] = f"{result.train_only} images chosen for doubt; as test images they would skew the test"
    if result.train_negatives:
        values["note"] = (
            f"{result.train_negatives} images without objects would go to train: they are used with "
            "prepare.train_negatives: keep, and dropped otherwise"
        )
    values |= {"manifest": own, "all queues": f"{together}, {lines} images"}
    print_values(values)


def _print_next(info: QueueInfo, path: Path, uri: str | None, *, started: bool) -> None:
    if uri is None:
        print_line()
        steps = {"to publish them in S3": suggest("review", "finish", info.name, "--publish")}
        if images := _images_on_disk():
            run = ["groundloop", "local", "run", "--labels", str(path), "--images", images]
            steps = {
                "to train on them offline": shlex.join(run),
                "and on other labels too": f"groundloop local run --labels LABELS --images DIR --reviewed {path}",
                **steps,
            }
        print_values(steps)
        return
    print_line(f"\npublished {uri}")
    if not started:
        from pipeline.reviewed_manifest import PARAMETER

        print_line(f"to train on them:  {suggest('start', '-p', f'{PARAMETER}={uri}')}")
        print_line(f"or start an execution in Studio with that value of the parameter {PARAMETER}")


def _images_on_disk() -> str | None:
    """Return the folder that holds the images of all finished queues, below the working folder if it can be."""
    from groundloop.review.finish import finished_queues
    from groundloop.review.queue import Queue

    folders = set()
    for manifest in finished_queues(FOLDER):
        with contextlib.closing(Queue.open(manifest.parent)) as queue:
            folders.add(queue.info.images)
    on_disk = [folder for folder in folders if folder]
    if not on_disk or len(on_disk) < len(folders):
        return None
    common = Path(os.path.commonpath(on_disk))
    return str(common.relative_to(Path.cwd())) if common.is_relative_to(Path.cwd()) else str(common)


def _as_json(
    info: QueueInfo, result: Finished, own: Path, together: Path, lines: int, uri: str | None
) -> dict[str, Any]:
    return {
        "name": info.name,
        "manifest": str(own),
        "labels": len(result.lines),
        "boxes": result.boxes,
        "negatives": result.negatives,
        "changed": result.changed,
        "train_only": result.train_only,
        "unanswered": result.unanswered,
        "consolidated": result.consolidated,
        "disputed": result.disputed,
        "outcomes": {outcome.value: count for outcome, count in result.outcomes.items()},
        "late": result.late,
        "all_queues": {"manifest": str(together), "labels": lines},
        "published": uri,
    }
