"""How a running execution looks: one plain line per change of a step, and on failure what is known of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import typer

from groundloop.errors import UserError
from groundloop.executions.console_links import job_page, log_page
from groundloop.executions.control import ExecutionResult, Transition, stop, watch
from groundloop.executions.diagnosis import Diagnosis, diagnose, warning_of_training

COLOURS = {"Succeeded": typer.colors.GREEN, "Failed": typer.colors.RED, "Stopped": typer.colors.YELLOW}
_INDENT = " " * 7
_LONGEST = 500


def follow(region: str, arn: str, stop_on_interrupt: bool = True, as_json: bool = False) -> ExecutionResult:
    """Print an execution's steps until it ends; Ctrl-C stops the execution (if asked to), then comes through.

    Args:
        as_json: one JSON object per line: each change of a step, then the end with its diagnoses.

    Raises:
        UserError: the execution did not succeed; the text says why and where the log is.
    """
    begun = time.monotonic()

    def tell(change: Transition) -> None:
        warning = warning_of_training(region, change) if change.status == "Succeeded" else None
        if as_json:
            _print_json(_change_json(region, change, warning))
        else:
            _print(region, change, warning, time.monotonic() - begun)

    try:
        outcome = watch(region, arn, tell)
    except KeyboardInterrupt:
        if not stop_on_interrupt:
            raise
        typer.echo("stopping the execution ...", err=True)
        typer.echo(f"execution {stop(region, arn)}: {arn}", err=True)
        raise
    diagnoses = [diagnose(region, arn, step) for step in outcome.failed]
    if as_json:
        _print_json(_outcome_json(outcome, diagnoses))
    else:
        for diagnosis in diagnoses:
            print_diagnosis(diagnosis, lambda line: typer.echo(line, err=True))
    if not outcome.succeeded:
        raise UserError(outcome.reason or f"the execution ended as {outcome.status}: {arn}")
    if not as_json:
        typer.echo(f"execution Succeeded in {duration(outcome.seconds)}")
    return outcome


def duration(seconds: float) -> str:
    """``4.2 s``, ``3 min 7 s``, ``2 h 5 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def print_diagnosis(diagnosis: Diagnosis, write: Callable[[str], None]) -> None:
    """The end of the log, what the error means, what may have caused it."""
    if diagnosis.log:
        write(f"\nlast lines of {diagnosis.step}'s log; all: groundloop logs {diagnosis.step} -e {diagnosis.execution}")
        for event in diagnosis.log:
            write(f"  | {_shown(event.text)}")
    for known in diagnosis.known:
        write(f"\nwhat it means ({known.code}): {known.meaning}\nwhat to do: {known.remedy}")
    if diagnosis.evidence:
        write("\nwhat may have caused it:")
        for line in diagnosis.evidence:
            write(f"  {line}")
    if diagnosis.log or diagnosis.known or diagnosis.evidence:
        write("")


def _shown(text: str) -> str:
    """A line of a log without what would upset a terminal; errors of decoders may hold whole images."""
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ... ({len(text)} characters)"
    return "".join(letter if letter.isprintable() or letter == "\t" else "?" for letter in cut)


def _print(region: str, change: Transition, warning: str | None, elapsed: float) -> None:
    minutes, seconds = divmod(int(elapsed), 60)
    took = duration(change.seconds) if change.seconds is not None and change.status != "Executing" else ""
    attempt = f"attempt {change.attempt}" if change.attempt > 1 else ""
    notes = [note for note in (took, "from cache" if change.cached else "", attempt, change.job) if note]
    line = f"{minutes:02d}:{seconds:02d}  {change.step:<15} {change.status:<10} {', '.join(notes)}"
    typer.secho(line.rstrip(), fg=COLOURS.get(change.status))
    page = job_page(region, change.kind, change.job) if change.status in {"Executing", "Failed"} else None
    if page:
        typer.echo(f"{_INDENT}{page}")
    log = log_page(region, change.log_group, change.job) if change.status == "Failed" else None
    if log:
        typer.echo(f"{_INDENT}{log}")
    if warning:
        typer.secho(f"{_INDENT}warning: {warning}", fg=typer.colors.YELLOW)


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))


def _change_json(region: str, change: Transition, warning: str | None) -> dict[str, Any]:
    return {
        "event": "step",
        "step": change.step,
        "status": change.status,
        "seconds": change.seconds,
        "from_cache": change.cached,
        "attempt": change.attempt,
        "job": change.job,
        "log_group": change.log_group,
        "console": job_page(region, change.kind, change.job),
        "reason": change.reason,
        "warning": warning,
    }


def _outcome_json(outcome: ExecutionResult, diagnoses: list[Diagnosis]) -> dict[str, Any]:
    return {
        "event": "end",
        "execution": outcome.arn,
        "status": outcome.status,
        "seconds": outcome.seconds,
        "reason": outcome.reason,
        "failures": [diagnosis.json() for diagnosis in diagnoses],
    }
