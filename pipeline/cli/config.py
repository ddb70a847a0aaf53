"""`groundloop config`: the resolved configuration and its JSON Schema."""

from __future__ import annotations

import typer

from pipeline.cli.options import Assignments, ConfigFiles, load
from pipeline.cli.output import print_json, print_yaml

app = typer.Typer(
    help="Show the configuration or its JSON Schema.\n\nExample: groundloop config show",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def show(config: ConfigFiles = None, assignments: Assignments = None) -> None:
    """Print the resolved configuration as YAML.

    Example: groundloop config show --config configs/prod.yaml
    """
    print_yaml(load(config, assignments).model_dump(mode="json"))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the YAML files.

    Editors complete and check the files with it.

    Example: groundloop config schema > configs/schema.json
    """
    from pipeline.config import Config

    print_json(Config.model_json_schema())
