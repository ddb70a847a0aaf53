"""`groundloop init`: the first files of a project of one's own."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import AsJson, class_names
from pipeline.cli.output import print_json, print_line, print_values


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the project.")] = Path(),
    name: Annotated[str, typer.Option(help="Name of pipeline, model package group and endpoint.")] = "groundloop",
    region: Annotated[str, typer.Option(help="AWS region.")] = "us-east-1",
    role: Annotated[str | None, typer.Option(metavar="ARN", help="Execution role; may be set later.")] = None,
    bucket: Annotated[str | None, typer.Option(help="S3 bucket in that region; may be set later.")] = None,
    manifest: Annotated[
        str | None, typer.Option(metavar="S3_URI", help="The labelling job's output.manifest; may be set later.")
    ] = None,
    classes: Annotated[
        list[str] | None, typer.Option(metavar="A,B,...", help="Class names in id order; default: from the labels.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Begin a project: write groundloop.yaml.

    It has the settings that one changes first. The commands find it in the working folder. configs/tune.yaml is the
    overlay of a search for hyperparameters. No existing file is overwritten.

    Example: groundloop init screws --bucket my-bucket --classes nut,bolt
    """
    from pipeline.config.project import ProjectSettings, create_project

    settings = ProjectSettings(name, region, role, bucket, manifest, class_names(classes or []))
    files = create_project(folder, settings)
    if as_json:
        print_json({"files": [str(file) for file in files]})
        return
    for file in files:
        print_line(f"wrote {file}")
    missing = [
        key for key, value in (("aws.role", role), ("aws.bucket", bucket), ("labels.manifest", manifest)) if not value
    ]
    print_line("\nnext:")
    steps = {} if folder.resolve() == Path.cwd() else {"go there": shlex.join(["cd", str(folder)])}
    steps["try it, offline and free"] = "groundloop local run --labels LABELS --images DIR"
    if missing:
        steps["for AWS, fill in"] = f"{', '.join(missing)} in {files[0].name}"
    steps["what the account lacks"] = "groundloop doctor"
    steps["create the pipelines"] = "groundloop plan, then groundloop upsert"
    print_values(steps, indent=2)
