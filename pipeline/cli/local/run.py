"""`groundloop local run`: the whole pipeline on one's own labels, offline."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.local.settings import label_manifest, load_local, next_on_aws, program_name
from pipeline.cli.options import Assignments, ConfigFiles
from pipeline.cli.output import print_line


def run(
    labels: Annotated[
        str, typer.Option("--labels", help="Labelled images: Ground Truth manifest, COCO, YOLO, Pascal VOC, CSV ...")
    ],
    images: Annotated[
        Path | None,
        typer.Option("--images", help="Folder with the images; default: --labels, if a folder."),
    ] = None,
    reviewed: Annotated[
        Path | None,
        typer.Option(
            "--reviewed",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Manifest of `groundloop review finish`, which counts before --labels.",
        ),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", help="Continue with the state in DIR, and save it there at the end."),
    ] = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Run the whole pipeline on your own labelled images.

    Goes from the labels, in any format that `groundloop labels convert` reads, to an endpoint that serves the trained
    model.

    Example: groundloop local run --labels output.manifest --images photos/
    """
    if images is None and not Path(labels).is_dir():
        raise typer.BadParameter("give the folder with the images", param_hint="--images")
    settings = load_local(config, assignments)
    from pipeline.cli.run_summary import OfflineRun, run_and_report
    from pipeline.compiled import compile_ahead
    from pipeline.demo.offline_run import new_home, offline_aws, upload_labels, upload_reviewed
    from pipeline.reviewed_manifest import PARAMETER

    home = keep or new_home()
    compile_ahead(settings)
    data = ["--labels", labels, *(["--images", str(images)] if images else [])]
    data += ["--reviewed", str(reviewed)] if reviewed else []
    images = images or Path(labels)
    check = shlex.join([program_name(), "labels", "check", labels, "--images", str(images)])
    steps = {
        **_predict_steps(data, keep, config, assignments),
        "correct what the model doubts": shlex.join(
            [program_name(), "review", "--from", str(home), "--images", str(images)]
        ),
        "on AWS": next_on_aws(),
    }
    run = OfflineRun(home, check, kept=keep is not None, next_steps=steps)
    with label_manifest(settings, labels, images) as manifest, offline_aws(settings, home, keep=keep is not None):
        upload_labels(settings, manifest, images, print_line)
        if reviewed:
            uri = upload_reviewed(settings, reviewed, images, print_line)
            run = dataclasses.replace(run, parameters=(f"{PARAMETER}={uri}",))
        run_and_report(settings, run)


def _predict_steps(
    data: list[str], keep: Path | None, config: list[Path] | None, assignments: list[str] | None
) -> dict[str, str]:
    """Return commands that give the model to predict with, after the offline AWS of the run has ended."""
    program = program_name()
    overlays = [text for file in config or [] for text in ("-c", str(file))]
    if keep:
        return {
            "serve the model again": shlex.join([program, "local", "--keep", str(keep), *overlays]),
            "in another terminal": f'eval "$({program} local env)"',
            "then": f"{program} predict IMAGE --draw annotated",
        }
    settings = [text for assignment in assignments or [] for text in ("-s", assignment)]
    again = [program, "local", "run", *data, "--keep", "offline", *overlays, *settings]
    return {"keep the model, to predict with it": shlex.join(again)}
