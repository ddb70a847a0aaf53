"""Options that several commands share."""

from __future__ import annotations

import csv
import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.config.loading import LoadedConfig

#: Steps whose jobs write a log.
_STEPS_WITH_LOGS = ("Prepare", "Train", "Predict", "Evaluate", "Deploy", "Select", "Collect", "Monitor")


def complete_setting(incomplete: str) -> list[str]:
    """Return the settings that a word on the command line may become."""
    from pipeline.config.keys import all_keys, is_section

    return [f"{key}=" for key in all_keys() if key.startswith(incomplete) and not is_section(tuple(key.split(".")))]


def complete_parameter(incomplete: str) -> list[str]:
    """Return the pipeline parameters that a word on the command line may become."""
    from pipeline.parameter_values import PARAMETER_KEYS, PARAMETER_METRICS

    return [f"{name}=" for name in (*PARAMETER_KEYS, *PARAMETER_METRICS) if name.startswith(incomplete)]


def complete_step(incomplete: str) -> list[str]:
    """Return the steps with logs that a word on the command line may become."""
    return [name for name in _STEPS_WITH_LOGS if name.startswith(incomplete)]


ConfigFiles = Annotated[
    list[Path] | None,
    typer.Option("--config", "-c", help="Overlay on base.yaml, repeatable; default: the files in GROUNDLOOP_CONFIG."),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        help="One setting, e.g. training.hyperparameters.epochs=80; repeatable.",
        autocompletion=complete_setting,
    ),
]
PipelineParameters = Annotated[
    list[str] | None,
    typer.Option(
        "--parameter",
        "-p",
        help="A pipeline parameter, Name=Value; repeatable.",
        autocompletion=complete_parameter,
    ),
]
PipelineName = Annotated[
    str | None, typer.Option("--name", help="Name of the pipeline; default: pipeline.name of the configuration.")
]

Region = Annotated[
    str,
    typer.Option("--region", envvar=["AWS_REGION", "AWS_DEFAULT_REGION"], help="AWS region, for S3 URIs."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Without confirmation.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, for scripts.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")]


@dataclass
class _GlobalOptions:
    """What was given before the command's name."""

    config: list[Path] = field(default_factory=list)
    assignments: list[str] = field(default_factory=list)


_global_options = _GlobalOptions()
_shared_options: list[str] = []


def load(config: list[Path] | None, assignments: list[str] | None) -> Config:
    """Load the configuration that the shared options describe."""
    return load_with_origins(config, assignments).config


def load_with_origins(
    config: list[Path] | None, assignments: list[str] | None, *, incomplete: bool = False
) -> LoadedConfig:
    """Load the configuration that the shared options describe, with the origin of each setting.

    Args:
        config: the files of `--config`.
        assignments: the texts of `--set`.
        incomplete: accept that role, bucket or manifest is not set.
    """
    from pipeline.cli.output import print_warning
    from pipeline.config import loading

    for message in loading.unknown_variables(os.environ):
        print_warning(message)
    config, assignments = with_global_options(config, assignments)
    files = [text for file in config for text in ("-c", str(file))]
    _shared_options[:] = [*files, *(text for assignment in assignments for text in ("-s", assignment))]
    return loading.load_with_origins(config, assignments, incomplete=incomplete)


def region_of(config: list[Path] | None, assignments: list[str] | None) -> str:
    """Return the region of the configuration that the shared options describe; nothing else has to be set."""
    return load_with_origins(config, assignments, incomplete=True).config.aws.region


def set_global_options(config: list[Path] | None, assignments: list[str] | None) -> None:
    """Keep the options that were given before the command's name."""
    _global_options.config, _global_options.assignments = list(config or []), list(assignments or [])


def with_global_options(config: list[Path] | None, assignments: list[str] | None) -> tuple[list[Path], list[str]]:
    """Return the files and settings that were given before and after the command's name; later ones win."""
    return [*_global_options.config, *(config or [])], [*_global_options.assignments, *(assignments or [])]


def suggest(*words: str) -> str:
    """Return a command to type next, with the configuration that this command was given.

    Example:
        >>> suggest("reject", "2", "--reason", "misses bolts")
        "groundloop reject 2 --reason 'misses bolts'"
    """
    return shlex.join(["groundloop", *words, *_shared_options])


def class_names(values: list[str]) -> list[str]:
    """Split comma-separated class names, given in one option or several.

    A name may contain commas, so quotes count as in CSV.

    Raises:
        UserError: a quote is not closed.
    """
    from groundloop.errors import UserError

    try:
        rows = list(csv.reader(values, skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise UserError(f"--classes {' '.join(values)}: the quotes are not closed as in CSV ({error})") from None
    return [name for row in rows for name in row]
