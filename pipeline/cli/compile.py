"""`groundloop compile`: the JSON of a pipeline definition, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, load
from pipeline.cli.output import print_json_text

if TYPE_CHECKING:
    from pipeline.compiled import Kind


def compile_definition(
    config: ConfigFiles = None,
    assignments: Assignments = None,
    deploy: Annotated[bool, typer.Option("--deploy", help="The deploy pipeline instead of the training one.")] = False,
    predict: Annotated[
        bool, typer.Option("--predict", help="The predict pipeline instead; needs predict.input.")
    ] = False,
    monitor: Annotated[
        bool, typer.Option("--monitor", help="The monitor pipeline instead; needs captured requests.")
    ] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File; default: standard output.")] = None,
) -> None:
    """Print the pipeline definition as JSON.

    This needs no credentials and no network. The same configuration always gives the same bytes.

    Example: groundloop compile --config configs/local.yaml -o definition.json
    """
    from groundloop.errors import UserError

    settings = load(config, assignments)
    from pipeline.compiled import compiled_definition

    if deploy + predict + monitor > 1:
        raise UserError("--deploy, --predict and --monitor are different pipelines: give one of them")
    if predict and not settings.predict.input:
        raise UserError("there is no predict pipeline: set predict.input to the S3 prefix or manifest of the images")
    if monitor and not settings.has_monitor:
        raise UserError(
            "there is no monitor pipeline: set deploy.endpoint.data_capture_percent, or monitor.captures to the S3 "
            "prefix of captured requests"
        )
    kind: Kind = "deploy" if deploy else "predict" if predict else "monitor" if monitor else "training"
    definition = compiled_definition(settings, kind)
    if output is None:
        print_json_text(definition)
        return
    try:
        output.write_text(definition + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"--output {output}: can't be written: {error.strerror}") from None
