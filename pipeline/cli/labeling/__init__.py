"""`groundloop labeling`: Ground Truth's labelling jobs, for accounts that have used the service before."""

from __future__ import annotations

import typer

from pipeline.cli.labeling.chain import adjust, verify
from pipeline.cli.labeling.create import create
from pipeline.cli.labeling.outputs import outputs, portal
from pipeline.cli.labeling.status import status, stop

app = typer.Typer(
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Have images labelled by Ground Truth.\n\n"
    "Ground Truth takes no new customers. groundloop label and groundloop review do the same work without the "
    "service.\n\n"
    "Example: groundloop labeling status",
)
app.command("create")(create)
app.command("adjust")(adjust)
app.command("verify")(verify)
app.command("status")(status)
app.command("stop")(stop)
app.command("outputs")(outputs)
app.command("portal")(portal)
