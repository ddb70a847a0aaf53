"""Options of the commands on executions."""

from __future__ import annotations

from typing import Annotated

import typer

Pipeline = Annotated[str | None, typer.Option("--name", help="Pipeline; else pipeline.name of the configuration.")]
JsonLines = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
