"""`groundloop local`: the offline AWS in the foreground."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.local.environment import RunningAws, announced
from pipeline.cli.local.settings import label_manifest, load_local, overlay_files, program_name
from pipeline.cli.options import ConfigFiles
from pipeline.cli.output import print_line, print_values

if TYPE_CHECKING:
    from groundloop.local import LocalAws
    from pipeline.config import Config

_DEMO_IMAGES = 240
_ENDS = ("running execution", "endpoint")


def local(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 4599,
    labels: Annotated[
        str | None, typer.Option("--labels", help="Labels to upload to its S3, in any format, with --images.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder with the images that the labels name.")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Upload synthetic labelled images to its S3.")] = False,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", help="Continue with the state in DIR, and save it there at the end."),
    ] = None,
    config: ConfigFiles = None,
) -> None:
    """Run AWS offline on this machine.

    Starts it in the foreground and prints what to type in another terminal. Ctrl-C ends it and all its jobs.

    Example: groundloop local --demo
    """
    if context.invoked_subcommand:
        return
    if (labels is None) != (images is None):
        raise typer.BadParameter("--labels and --images go together")
    if demo and labels:
        raise typer.BadParameter("--demo has its own labels: give either --demo or --labels")
    settings = load_local(config, None)
    from pipeline.config.files import OVERLAY_VARIABLE
    from pipeline.demo.offline_run import new_home, offline_aws, upload_labels

    home = keep or new_home()
    with contextlib.ExitStack() as stack:
        manifest = stack.enter_context(label_manifest(settings, labels, images)) if labels and images else None
        if demo:
            manifest, images = _synthetic_labels(settings, home)
        aws = stack.enter_context(offline_aws(settings, home, port, keep=keep is not None))
        if manifest and images:
            upload_labels(settings, manifest, images, print_line)
        variables = {**aws.environment(), OVERLAY_VARIABLE: os.pathsep.join(map(str, overlay_files(config)))}
        stack.enter_context(announced(RunningAws(os.getpid(), aws.endpoint_url, variables)))
        with contextlib.suppress(KeyboardInterrupt):
            _print_start(settings, aws, home, keep)
            threading.Event().wait()
        contents = aws.contents()
        _print_stopping(contents)
    _print_end(contents, keep)


def _synthetic_labels(settings: Config, home: Path) -> tuple[Path, Path]:
    from pipeline.demo.synthetic_images import write_dataset

    data = home / "data"
    return write_dataset(data, _DEMO_IMAGES, settings.aws.bucket), data / "images"


def _print_start(settings: Config, aws: LocalAws, home: Path, keep: Path | None) -> None:
    program = program_name()
    print_line(f"The offline AWS answers at {aws.endpoint_url} (this machine only).")
    print_line("In another terminal, in this folder:\n")
    print_line(f'  eval "$({program} local env)"')
    if _has_labels(settings):
        print_line(f"  {program} upsert")
        print_line(f"  {program} start --watch\n")
    else:
        print_line(f"  aws s3 cp output.manifest {settings.labels.manifest}\n")
        print_line("Its S3 holds no labels yet, which the pipeline needs. Upload yours, as above, with their images;")
        print_line("or stop it and start it with --labels and --images, or with --demo for synthetic ones.\n")
    print_values(
        {
            "jobs and their logs": f"{home}/jobs",
            "state": f"kept in {keep}" if keep else "in memory only; --keep DIR keeps it",
            "stop": "Ctrl-C",
        }
    )


def _has_labels(settings: Config) -> bool:
    from groundloop.aws import client
    from groundloop.s3 import object_exists, split_uri

    return object_exists(client("s3", settings.aws.region), *split_uri(settings.labels.manifest))


def _print_stopping(contents: dict[str, int]) -> None:
    ending = _listed({kind: count for kind, count in contents.items() if kind in _ENDS})
    print_line(f"stopping{': ' if ending else ''}{ending}", to_stderr=True)


def _print_end(contents: dict[str, int], keep: Path | None) -> None:
    if keep:
        print_line(f"stopped; to continue: {program_name()} local --keep {keep}", to_stderr=True)
        return
    gone = _listed({kind: count for kind, count in contents.items() if kind not in _ENDS})
    print_line(f"stopped{f'; gone with it: {gone}, and S3' if gone else ''}", to_stderr=True)


def _listed(contents: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in contents.items() if count)
