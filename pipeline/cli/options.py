"""Options that several commands share."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipeline.config import Config

ConfigFiles = Annotated[
    list[Path] | None,
    typer.Option("--config", "-c", help="Overlay over base.yaml, may be repeated; else what GROUNDLOOP_CONFIG names."),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", help="One setting, e.g. training.hyperparameters.epochs=80; may be repeated."),
]
PipelineParameters = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-p", help="A pipeline parameter, Name=Value; may be repeated."),
]

AsJson = Annotated[bool, typer.Option("--json", help="As one JSON object, for scripts.")]


def load(config: list[Path] | None, assignments: list[str] | None) -> Config:
    """The configuration that the shared options describe."""
    from pipeline.config import load_config

    return load_config(config or [], assignments or [])


def class_names(given: list[str]) -> list[str]:
    """Comma-separated names, in one option or several; a name may have commas, so quotes count as in CSV.

    Raises:
        UserError: quotes that are not closed.
    """
    from groundloop.errors import UserError

    try:
        rows = list(csv.reader(given, skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise UserError(f"--classes {' '.join(given)}: the quotes are not closed as in CSV ({error})") from None
    return [name for row in rows for name in row]
