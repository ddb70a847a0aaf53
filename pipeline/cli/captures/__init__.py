"""`groundloop captures`: the requests that an endpoint captured."""

from __future__ import annotations

import typer

from pipeline.cli.captures.extract import extract
from pipeline.cli.captures.listing import list_captures

app = typer.Typer(
    help="List captured requests, or extract their images.\n\nExample: groundloop captures list --hours 24",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("list")(list_captures)
app.command("extract")(extract)
