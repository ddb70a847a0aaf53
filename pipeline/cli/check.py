"""`groundloop check`: find the errors in a pipeline definition before AWS does."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundloop.escaping import as_message
from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load
from pipeline.cli.output import print_json, print_line, print_lines, terminal_width

if TYPE_CHECKING:
    from groundloop.check import DefinitionFinding
    from pipeline.config import Config


def check(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Definition, or the response of describe-pipeline; - for standard input; default: our own pipelines."
        ),
    ] = None,
    samples: Annotated[
        list[str] | None,
        typer.Option("--sample", help="Content of a property file, Step.Name=FILE, to check the paths into it too."),
    ] = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Check a pipeline definition offline.

    The exit code is 1 when there is an error.

    Example: groundloop check definition.json
    """
    from groundloop.check import Severity, check_definition
    from groundloop.check.reading import read_definition, read_sample
    from groundloop.errors import UserError

    if file is not None and (config or assignments):
        raise UserError("check takes either a FILE or --config and --set, which describe our own pipelines")
    property_files = dict(read_sample(sample) for sample in samples or [])
    definitions = (
        {str(file): read_definition(file)} if file is not None else _own_definitions(load(config, assignments))
    )
    results = {
        name: check_definition(definition, size=size, samples=property_files)
        for name, (definition, size) in definitions.items()
    }
    all_findings = [finding for findings in results.values() for finding in findings]
    errors = sum(finding.severity is Severity.ERROR for finding in all_findings)
    warnings = len(all_findings) - errors
    if as_json:
        listed = [
            {"definition": name, "findings": [finding.as_json() for finding in findings]}
            for name, findings in results.items()
        ]
        print_json({"format": 1, "errors": errors, "warnings": warnings, "definitions": listed})
    else:
        for name, findings in results.items():
            print_line(f"{name}{'' if findings else ': no findings'}")
            for finding in findings:
                print_lines(_finding_lines(finding))
        print_line(f"{errors} error{'' if errors == 1 else 's'}, {warnings} warning{'' if warnings == 1 else 's'}")
    if errors:
        raise typer.Exit(1)


def _own_definitions(settings: Config) -> dict[str, tuple[dict[str, Any], int]]:
    """Compile the pipelines of a configuration: name to definition and its size in bytes."""
    from pipeline.desired import desired_pipelines

    return {
        pipeline.name: (json.loads(pipeline.definition), len(pipeline.definition.encode()))
        for pipeline in desired_pipelines(settings)
    }


def _finding_lines(finding: DefinitionFinding) -> list[str]:
    """Write a finding as one line; on a terminal folded at its width, so that the columns stay."""
    text = f"{finding.severity.value:<7}  {as_message(finding.text)}"
    width = terminal_width()
    if width is None:
        return [f"  {text}"]
    return textwrap.wrap(
        text, width, initial_indent="  ", subsequent_indent=" " * 11, break_long_words=False, break_on_hyphens=False
    )
