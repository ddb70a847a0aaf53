"""`groundloop a2i`: people correct what a model doubts in A2I, for accounts that have used the service before."""

from __future__ import annotations

import typer

from pipeline.cli.a2i.collect import collect
from pipeline.cli.a2i.create import create
from pipeline.cli.a2i.loops import delete, status, stop
from pipeline.cli.a2i.start import start

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Have people correct what a model doubts, in A2I.\n\n"
    "A2I takes no new customers. groundloop review does the same work without the service: images are chosen by the "
    "same rules.\n\n"
    "Example: groundloop a2i status week-47",
)
app.command("create")(create)
app.command("start")(start)
app.command("status")(status)
app.command("collect")(collect)
app.command("stop")(stop)
app.command("delete")(delete)
