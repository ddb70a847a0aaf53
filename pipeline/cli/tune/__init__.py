"""`groundloop tune`: the search for hyperparameters of the Tune step."""

from __future__ import annotations

import typer

from pipeline.cli.tune.apply import apply
from pipeline.cli.tune.show import show
from pipeline.cli.tune.stop import stop

app = typer.Typer(
    help="Show, apply and stop searches for hyperparameters.\n\n"
    "A pipeline with training.tuning.enabled runs them: configs/tune.yaml.\n\n"
    "Example: groundloop tune show",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command()(show)
app.command()(apply)
app.command()(stop)
