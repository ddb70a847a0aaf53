"""`groundloop compile`: the JSON of a pipeline definition, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, load
from pipeline.cli.output import print_json_text


def compile_definition(
    config: ConfigFiles = None,
    assignments: Assignments = None,
    deploy: Annotated[bool, typer.Option("--deploy", help="The deploy pipeline instead of the training one.")] = False,
    predict: Annotated[
        bool, typer.Option("--predict", help="The predict pipeline instead; needs predict.input.")
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

    if deploy and predict:
        raise UserError("--deploy and --predict are two pipelines: give one of them")
    if predict and not settings.predict.input:
        raise UserError("there is no predict pipeline: set predict.input to the S3 prefix or manifest of the images")
    definition = compiled_definition(settings, "deploy" if deploy else "predict" if predict else "training")
    if output is None:
        print_json_text(definition)
        return
    try:
        output.write_text(definition + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"--output {output}: can't be written: {error.strerror}") from None
