"""`groundloop local`: the offline AWS, to work with or for one run."""

from __future__ import annotations

import typer

from pipeline.cli.local import clean, environment, run, serve

app = typer.Typer(help="Run AWS offline on this machine.\n\nExample: groundloop local --demo", rich_markup_mode=None)
app.callback(invoke_without_command=True)(serve.local)
app.command()(run.run)
app.command()(environment.env)
app.command()(clean.clean)
