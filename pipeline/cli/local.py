"""`groundloop local`: the offline AWS, to work with or for one run."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles
from pipeline.cli.output import print_line

if TYPE_CHECKING:
    from pipeline.config import Config

app = typer.Typer(
    help="Run AWS offline on this machine.\n\nExample: groundloop local --labels output.manifest --images photos/",
    rich_markup_mode=None,
)
LOCAL_CONFIG = "local.yaml"


@app.callback(invoke_without_command=True)
def local(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 4599,
    labels: Annotated[
        str | None, typer.Option("--labels", help="Labels to upload to its S3, in any format, with --images.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder with the images that the labels name.")
    ] = None,
    config: ConfigFiles = None,
) -> None:
    """Run AWS offline on this machine.

    Starts it in the foreground and prints the environment variables to export. Ctrl-C ends it and all its jobs.

    Example: groundloop local --labels output.manifest --images photos/
    """
    if context.invoked_subcommand:
        return
    if (labels is None) != (images is None):
        raise typer.BadParameter("--labels and --images go together")
    overlays = [local_overlay(), *(config or [])]
    settings = load_local(config, None)
    from pipeline.config.files import OVERLAY_VARIABLE
    from pipeline.demo.offline_run import new_home, offline_aws, upload_labels

    home = new_home()
    stop_on_signals()
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(KeyboardInterrupt))
        manifest = stack.enter_context(_manifest(settings, labels, images)) if labels and images else None
        aws = stack.enter_context(offline_aws(settings, home, port))
        if manifest and images:
            upload_labels(settings, manifest, images, print_line)
        print_line(f"The offline AWS answers at {aws.endpoint_url} (this machine only). In another terminal:\n")
        files = os.pathsep.join(str(overlay.resolve()) for overlay in overlays)
        for name, value in {**aws.environment(), OVERLAY_VARIABLE: files}.items():
            print_line(f"export {name}={shlex.quote(value)}")
        program = program_name()
        print_line(f"\nthen: {program} upsert, {program} start --watch, aws s3 ls s3://{settings.aws.bucket}, ...")
        print_line(f"jobs and their logs: {home}/jobs")
        print_line("Its state is kept in memory only. Ctrl-C stops it.")
        threading.Event().wait()
    print_line("stopped", to_stderr=True)


@app.command()
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
    with _manifest(settings, labels, images) as manifest, offline_aws(settings, home):
        upload_labels(settings, manifest, images, print_line)
        check = shlex.join([program_name(), "labels", "check", labels, "--images", str(images)])
        run_and_report(settings, home, check)


@contextlib.contextmanager
def _manifest(settings: Config, labels: str, images: Path) -> Iterator[Path]:
    """Provide labels in any format as a manifest while the body runs; before the offline AWS starts, as S3 is real."""
    from groundloop.errors import UserError
    from groundloop.labels.label_input import as_manifest

    with contextlib.ExitStack() as stack:
        try:
            source = stack.enter_context(as_manifest(labels, settings.aws.region, settings.labels.attribute, images))
        except UserError as error:
            raise UserError(f"--labels {error}") from None
        for note in source.notes:
            print_line(f"note: {labels}: {note}")
        yield source.path


def local_overlay() -> Path:
    """Return the offline AWS's overlay: the project's own, else the one that came with the package."""
    from pipeline.config.files import packaged_or_own

    return packaged_or_own(LOCAL_CONFIG)


def load_local(config: list[Path] | None, assignments: list[str] | None, *, project: bool = True) -> Config:
    """Load the configuration of the offline AWS: `local.yaml`, then the user's overlays and assignments.

    Args:
        config: the user's overlays.
        assignments: the user's assignments.
        project: put all of it over the `groundloop.yaml` of the working folder.
    """
    from pipeline.config import load_config

    return load_config([local_overlay(), *(config or [])], assignments or [], project=project)


def program_name() -> str:
    """Return how to call this program: its name, or its path when it isn't on the user's PATH."""
    if shutil.which("groundloop"):
        return "groundloop"
    return os.path.relpath(sys.argv[0])


def stop_on_signals() -> None:
    """Make SIGTERM and SIGHUP end the program as Ctrl-C does, so that the offline AWS ends its jobs."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
