"""`groundloop labels`: look at labels before anything is trained on them."""

from __future__ import annotations

import typer

from pipeline.cli.labels.check import check
from pipeline.cli.labels.convert import convert
from pipeline.cli.labels.show import show
from pipeline.cli.labels.stats import stats

app = typer.Typer(
    help="Check, convert, count and draw labels.\n\nExample: groundloop labels check output.manifest",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("check")(check)
app.command("convert")(convert)
app.command("stats")(stats)
app.command("show")(show)
