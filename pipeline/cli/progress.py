"""How a running execution looks: one plain line per change of a step."""

from __future__ import annotations

import time

import typer

from labels.errors import UserError
from pipeline.aws import offline_endpoint
from pipeline.executions import Outcome, Transition, stop, watch

_COLOURS = {"Succeeded": typer.colors.GREEN, "Failed": typer.colors.RED, "Stopped": typer.colors.YELLOW}


def follow(region: str, arn: str, stop_on_interrupt: bool = True) -> Outcome:
    """Print an execution's steps until it ends; Ctrl-C stops the execution (if asked to), then comes through.

    Raises:
        UserError: the execution did not succeed; the text says why and where the log is.
    """
    begun = time.monotonic()
    try:
        outcome = watch(region, arn, lambda change: _print(change, time.monotonic() - begun))
    except KeyboardInterrupt:
        if not stop_on_interrupt:
            raise
        typer.echo("stopping the execution ...", err=True)
        typer.echo(f"execution {stop(region, arn)}: {arn}", err=True)
        raise
    if not outcome.succeeded:
        raise UserError(outcome.reason or f"the execution ended as {outcome.status}: {arn}")
    typer.echo(f"execution Succeeded in {outcome.seconds:.1f} s")
    return outcome


def _print(change: Transition, elapsed: float) -> None:
    minutes, seconds = divmod(int(elapsed), 60)
    took = f"{change.seconds:.1f} s" if change.seconds is not None and change.status != "Executing" else ""
    notes = [note for note in (took, "from cache" if change.cached else "", _attempt(change)) if note]
    line = f"{minutes:02d}:{seconds:02d}  {change.step:<15} {change.status:<10} {', '.join(notes)}"
    typer.secho(line.rstrip(), fg=_COLOURS.get(change.status))
    if change.status == "Failed" and change.log_group and not offline_endpoint():  # whose reasons name a file
        typer.echo(f"       log: aws logs tail {change.log_group} --log-stream-name-prefix {change.job}")


def _attempt(change: Transition) -> str:
    return f"attempt {change.attempt}" if change.attempt > 1 else ""
