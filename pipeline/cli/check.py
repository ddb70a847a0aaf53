"""``groundloop check``: what is wrong with a pipeline definition, before AWS says so."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load

if TYPE_CHECKING:
    from groundloop.check import DefinitionFinding
    from pipeline.config import Config


def check(
    file: Annotated[
        Path | None,
        typer.Argument(help="Definition, or an answer of describe-pipeline; - reads standard input; else our own."),
    ] = None,
    samples: Annotated[
        list[str] | None,
        typer.Option("--sample", help="Content of a property file, Step.Name=FILE: paths into it are checked too."),
    ] = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Check a pipeline definition offline; exit code 1 when there is an error.

    Example: groundloop check definition.json
    """
    from groundloop.check import Severity, check_definition
    from groundloop.check.reading import read_definition, read_sample
    from groundloop.errors import UserError

    if file is not None and (config or assignments):
        raise UserError("check takes either a FILE or --config and --set, which describe our own pipelines")
    given = dict(read_sample(sample) for sample in samples or [])
    definitions = {str(file): read_definition(file)} if file is not None else _our_own(load(config, assignments))
    results = {
        name: check_definition(definition, size=size, samples=given) for name, (definition, size) in definitions.items()
    }
    every = [finding for findings in results.values() for finding in findings]
    errors = sum(finding.severity is Severity.ERROR for finding in every)
    warnings = len(every) - errors
    if as_json:
        listed = [
            {"definition": name, "findings": [finding.as_json() for finding in findings]}
            for name, findings in results.items()
        ]
        counts = {"format": 1, "errors": errors, "warnings": warnings}
        typer.echo(json.dumps({**counts, "definitions": listed}, indent=2, ensure_ascii=False))
    else:
        for name, findings in results.items():
            typer.echo(f"{name}{'' if findings else ': no findings'}")
            for finding in findings:
                typer.echo(_line(finding))
        typer.echo(f"{errors} error{'' if errors == 1 else 's'}, {warnings} warning{'' if warnings == 1 else 's'}")
    if errors:
        raise typer.Exit(1)


def _our_own(settings: Config) -> dict[str, tuple[dict[str, Any], int]]:
    """The pipelines that upsert makes of a configuration, each with the bytes of its text."""
    from pipeline.desired import desired_pipelines

    return {
        pipeline.name: (json.loads(pipeline.definition), len(pipeline.definition.encode()))
        for pipeline in desired_pipelines(settings)
    }


def _line(finding: DefinitionFinding) -> str:
    """One line; on a terminal broken at its width, so that the columns stay."""
    text = f"{finding.severity.value:<7}  {finding.text}"
    if not _on_terminal():
        return f"  {text}"
    width = max(40, shutil.get_terminal_size().columns)
    return textwrap.fill(
        text, width, initial_indent="  ", subsequent_indent=" " * 11, break_long_words=False, break_on_hyphens=False
    )


def _on_terminal() -> bool:
    return sys.stdout.isatty()
