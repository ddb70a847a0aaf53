"""``groundloop local``: the offline AWS, to work against or for one run."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles

if TYPE_CHECKING:
    from pipeline.config import Config

app = typer.Typer(
    help="AWS on this machine: start it, or take your own labelled images through the whole pipeline.\n\n"
    "Example: groundloop local --labels output.manifest --images photos/",
    rich_markup_mode=None,
)
LOCAL_CONFIG = "local.yaml"


@app.callback(invoke_without_command=True)
def local(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 4599,
    labels: Annotated[Path | None, typer.Option("--labels", help="Manifest to put in its S3, with --images.")] = None,
    images: Annotated[Path | None, typer.Option("--images", help="Folder with the images that it names.")] = None,
    config: ConfigFiles = None,
) -> None:
    """Start the offline AWS in the foreground and print the environment to export. Ctrl-C ends it and all it runs.

    Example: groundloop local --labels output.manifest --images photos/
    """
    if context.invoked_subcommand:
        return
    if (labels is None) != (images is None):
        raise typer.BadParameter("--labels and --images go together")
    overlays = [local_overlay(), *(config or [])]
    settings = load_local(config, None)
    from pipeline.config.loading import OVERLAY_VARIABLE
    from pipeline.demo.offline_run import new_home, offline_aws, upload_labels

    home = new_home()
    end_on_signals()
    with contextlib.suppress(KeyboardInterrupt), offline_aws(settings, home, port) as aws:
        if labels and images:
            upload_labels(settings, labels, images, typer.echo)
        typer.echo(f"The offline AWS answers at {aws.endpoint_url} (this machine only). In another terminal:\n")
        files = os.pathsep.join(str(overlay.resolve()) for overlay in overlays)
        for name, value in {**aws.environment(), OVERLAY_VARIABLE: files}.items():
            typer.echo(f"export {name}={shlex.quote(value)}")
        program = program_name()
        typer.echo(
            f"\nthen: {program} upsert, {program} start --watch, aws s3 ls s3://{settings.aws.bucket}, ..."
            f"\njobs and their logs: {home}/jobs\nIts state lives in memory and ends with it: Ctrl-C"
        )
        threading.Event().wait()
    typer.echo("stopped", err=True)


@app.command()
def run(
    labels: Annotated[Path, typer.Option("--labels", help="Ground Truth output.manifest.")],
    images: Annotated[Path, typer.Option("--images", help="Folder with the images that it names.")],
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Take your own labelled images through the whole pipeline, from manifest to an endpoint that answers.

    Example: groundloop local run --labels output.manifest --images photos/
    """
    from groundloop.errors import UserError

    settings = load_local(config, assignments)
    if not labels.is_file():
        raise UserError(f"--labels {labels}: there is no such file")
    from pipeline.cli.run_summary import run_and_report
    from pipeline.demo.offline_run import new_home, offline_aws, upload_labels

    home = new_home()
    end_on_signals()
    with offline_aws(settings, home):
        upload_labels(settings, labels, images, typer.echo)
        run_and_report(settings, home)


def local_overlay() -> Path:
    """The overlay of the offline AWS: the project's own, else the one that came with the package."""
    from pipeline.config.loading import configs_folder

    return configs_folder() / LOCAL_CONFIG


def load_local(config: list[Path] | None, assignments: list[str] | None) -> Config:
    """The configuration for the offline AWS: ``local.yaml``, then what the user gave."""
    from pipeline.config import load_config

    return load_config([local_overlay(), *(config or [])], assignments or [])


def program_name() -> str:
    """How this program is called from here: by name, or by its path when it isn't on the user's PATH."""
    if shutil.which("groundloop"):
        return "groundloop"
    return os.path.relpath(sys.argv[0])


def end_on_signals() -> None:
    """SIGTERM and SIGHUP end the program like Ctrl-C does, so that the offline AWS ends what it runs."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
