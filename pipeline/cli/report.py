"""`groundloop report`: the report of an execution or of a model version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, PipelineName, load
from pipeline.cli.output import print_line

if TYPE_CHECKING:
    from pipeline.config import Config

_FOLDER = Path(".groundloop/reports")
#: A version number has fewer digits; the id at the end of an execution's ARN has 12 characters.
_MAX_VERSION_DIGITS = 9


def report(
    which: Annotated[
        str | None,
        typer.Argument(
            metavar="[VERSION|EXECUTION]",
            help="Version number, or ARN or id of an execution; default: the latest execution.",
        ),
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; default: a file under .groundloop/reports.")
    ] = None,
    name: PipelineName = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Download the evaluation's report, and open it.

    Every execution whose Evaluate step succeeded has a report, also one that missed the quality gate.

    Example: groundloop report 7 --open
    """
    settings = load(config, assignments)
    from groundloop.aws import client
    from groundloop.s3 import read_bytes

    source, default_name = _source(settings, name or settings.pipeline.name, which)
    content = read_bytes(client("s3", settings.aws.region), source)
    path = output or _FOLDER / f"{default_name}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    print_line(f"report: {path} (from {source})")
    if open_it:
        typer.launch(path.resolve().as_uri())


def _source(settings: Config, pipeline: str, which: str | None) -> tuple[str, str]:
    """Return the S3 URI of the report, and a name for the file."""
    from groundloop.errors import UserError
    from groundloop.executions.control import resolve
    from groundloop.executions.evaluation import report_beside, report_of_execution
    from groundloop.models.registry import version

    region, group = settings.aws.region, settings.registry.group
    if which is not None and which.isdecimal() and len(which) <= _MAX_VERSION_DIGITS:
        evaluation = version(region, group, int(which)).metadata.get("evaluation")
        if evaluation is None:
            raise UserError(f"version {which} of {group!r} has no evaluation in its metadata, so it has no report")
        return report_beside(evaluation), f"{group}-version-{which}"
    arn = resolve(region, pipeline, which)
    return report_of_execution(region, arn), f"{pipeline}-{arn.rsplit('/', 1)[-1]}"
