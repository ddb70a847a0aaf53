"""`groundloop config`: the resolved configuration, where its settings come from, and its JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load, load_with_origins
from pipeline.cli.output import print_json, print_lines, print_table, print_yaml

if TYPE_CHECKING:
    from pipeline.config.positions import Key

app = typer.Typer(
    help="Show the configuration or its JSON Schema.\n\nExample: groundloop config show",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def show(
    config: ConfigFiles = None,
    assignments: Assignments = None,
    origin: Annotated[
        bool, typer.Option("--origin", help="List each setting with its file and line, variable or option.")
    ] = False,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Print base.yaml: every setting, its default and a comment.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the resolved configuration as YAML.

    Example: groundloop config show --config configs/prod.yaml --origin
    """
    if defaults:
        from pipeline.config.files import base_file

        print_lines(base_file(config or []).read_text(encoding="utf-8").splitlines())
    elif origin:
        loaded = load_with_origins(config, assignments)
        rows = list(_leaves(loaded.config.model_dump(mode="json")))
        origins = [loaded.source.place_of(key) for key, _ in rows]
        if as_json:
            print_json(
                [
                    {"key": _dotted(key), "value": value, "origin": o}
                    for (key, value), o in zip(rows, origins, strict=True)
                ]
            )
        else:
            shown = [(_dotted(key), o, _flow(value)) for (key, value), o in zip(rows, origins, strict=True)]
            print_table(("setting", "origin", "value"), shown)
    else:
        settings = load(config, assignments).model_dump(mode="json")
        (print_json if as_json else print_yaml)(settings)


@app.command()
def schema() -> None:
    """Print the JSON Schema of the YAML files.

    Editors complete and check the files with it, if their first line names it:
    `# yaml-language-server: $schema=groundloop.schema.json`. `groundloop init` writes both.

    Example: groundloop config schema > groundloop.schema.json
    """
    from pipeline.config.schema import editor_schema

    print_json(editor_schema())


def _leaves(settings: Mapping[str, Any], prefix: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Yield the key and value of each setting that is no section."""
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*prefix, name))
        else:
            yield (*prefix, name), value


def _dotted(key: Key) -> str:
    return ".".join(map(str, key))


def _flow(value: Any) -> str:
    """Return a value as one line of YAML."""
    import yaml

    text: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("...\n").strip()
