"""``groundloop config``: what the configuration comes to."""

from __future__ import annotations

import json

import typer

from pipeline.cli.options import Assignments, ConfigFiles, load

app = typer.Typer(
    help="Show the configuration, or its JSON Schema.\n\nExample: groundloop config show",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def show(config: ConfigFiles = None, assignments: Assignments = None) -> None:
    """Print every setting as it comes to, as YAML.

    Example: groundloop config show --config configs/prod.yaml
    """
    import yaml

    settings = load(config, assignments).model_dump(mode="json")
    typer.echo(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=120), nl=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the YAML files, for editors.

    Example: groundloop config schema > configs/schema.json
    """
    from pipeline.config import Config

    typer.echo(json.dumps(Config.model_json_schema(), indent=2))
