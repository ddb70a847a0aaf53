"""`groundloop local run`: the whole pipeline on one's own labels, offline."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.local.settings import label_manifest, load_local, program_name, stop_on_signals
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
    from pipeline.cli.run_summary import run_and_report
    from pipeline.demo.offline_run import new_home, offline_aws, upload_labels

    home = new_home()
    stop_on_signals()
    images = images or Path(labels)
    with label_manifest(settings, labels, images) as manifest, offline_aws(settings, home):
        upload_labels(settings, manifest, images, print_line)
        check = shlex.join([program_name(), "labels", "check", labels, "--images", str(images)])
        run_and_report(settings, home, check)
