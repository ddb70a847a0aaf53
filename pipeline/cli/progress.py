"""The progress of an execution: its steps and their jobs as they run, and the diagnosis of a failure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import typer

from groundloop.errors import UserError
from groundloop.executions.console_links import job_page, log_page
from groundloop.executions.control import RUNNING, Transition, stop
from groundloop.executions.diagnosis import Diagnosis, diagnose, validation_map, warning_of_training
from groundloop.executions.job_progress import ProgressReader
from groundloop.executions.prepared_labels import describe_label_use, prepared_summary
from groundloop.executions.watching import ExecutionResult, watch
from groundloop.spec.training_rules import RuleCode
from pipeline.cli.event_reporter import EventReporter
from pipeline.cli.options import suggest
from pipeline.cli.output import print_json_line, print_line
from pipeline.cli.progress_line import RunningStep, clock, progress_display

COLOURS = {
    "Succeeded": typer.colors.GREEN,
    "Failed": typer.colors.RED,
    "CompletedWithFailures": typer.colors.RED,
    "Stopped": typer.colors.YELLOW,
}
_INDENT = " " * 7
_MAX_LINE_LENGTH = 500
#: How a diagnosis's command on the manifest in S3 begins.
_LABELS_CHECK = "groundloop labels check "


@dataclass(frozen=True)
class OfflineFiles:
    """What the hints of a run name, whose offline AWS ends with the command.

    Attributes:
        home: folder of the offline AWS.
        labels_check: the command that checks the run's labels.
    """

    home: Path
    labels_check: str

    def log(self, job: str) -> Path:
        """Return the path of a job's log."""
        return self.home / "jobs" / job / "log.txt"


def follow(
    region: str,
    arn: str,
    *,
    stop_on_interrupt: bool = False,
    as_json: bool = False,
    stop_on: Collection[RuleCode] = (),
    offline: OfflineFiles | None = None,
    print_results: Callable[[str, str], None] | None = None,
) -> ExecutionResult:
    """Print an execution's steps, the progress of their jobs and what happens in them, until it ends.

    Args:
        region: AWS region.
        arn: of the execution.
        stop_on: codes of findings in the log of a training job on which the job is stopped.
        stop_on_interrupt: stop the execution on Ctrl-C; otherwise it goes on, and a message says how to follow and how
            to stop it. Either way the interrupt is raised again.
        offline: files that the hints name, where an offline AWS ends with the command.
        print_results: called with region and ARN once the execution has ended, unless as_json.
        as_json: print one JSON object per line: each change of a step, progress and events of its job, then the end
            with its diagnoses.

    Raises:
        UserError: the execution did not succeed; the message says why and where the log is.
    """
    display, reader = progress_display(as_json), ProgressReader(region)
    reporter = EventReporter(region, arn, stop_on, display, as_json)

    def report(change: Transition) -> None:
        display.clear()
        if change.status not in RUNNING:
            reporter.report(change, reader.take_events(change), change.offset, running=False)
        # As a finding, the warning was reported when it appeared.
        known = reporter.has_found(change.job, "batches_missing") and not as_json
        warning = warning_of_training(region, change) if change.status == "Succeeded" and not known else None
        summary = prepared_summary(region, change)
        if as_json:
            print_json_line(_change_json(region, change, warning, summary))
        else:
            final = validation_map(region, change) if change.status == "Succeeded" else None
            _print(region, change, warning, final)
            if summary is not None:
                _print_label_use(summary)

    def show_progress(running: Sequence[Transition]) -> None:
        steps = [_running(step, reader) for step in running]
        for step in steps:
            reporter.report(step.change, reader.take_events(step.change), step.offset, running=True)
        display.show(steps)

    try:
        outcome = watch(region, arn, report, show_progress)
    except KeyboardInterrupt:
        display.clear()
        if stop_on_interrupt:
            print_line("stopping the execution ...", to_stderr=True)
            print_line(f"execution {stop(region, arn)}: {arn}", to_stderr=True)
        else:
            print_line(f"the execution is still running; to follow it: {suggest('watch', arn)}", to_stderr=True)
            print_line(f"to stop it: {suggest('stop', arn)}", to_stderr=True)
        raise
    outcome = _with_reasons(outcome, reporter.stop_reasons)
    diagnoses = [diagnose(region, arn, step) for step in outcome.failed]
    if as_json:
        print_json_line(_outcome_json(outcome, diagnoses))
    else:
        for diagnosis in diagnoses:
            print_diagnosis(diagnosis, lambda line: print_line(line, to_stderr=True), offline)
    if not outcome.succeeded:
        if print_results and not as_json:
            print_results(region, arn)
        raise UserError(*(outcome.reason.splitlines() or [f"the execution ended as {outcome.status}: {arn}"]))
    if not as_json:
        if outcome.reason:
            print_line(outcome.reason, typer.colors.YELLOW)
        print_line(f"execution Succeeded in {duration(outcome.seconds)}")
        if print_results:
            print_results(region, arn)
    return outcome


def _with_reasons(outcome: ExecutionResult, reasons: Sequence[str]) -> ExecutionResult:
    """Return the result with the reasons that its own doesn't hold, where the execution's description lacks them."""
    missing = [reason for reason in reasons if reason not in outcome.reason]
    return replace(outcome, reason="\n".join(filter(None, [outcome.reason, *missing])))


def duration(seconds: float) -> str:
    """Write a duration as `4.2 s`, `3 min 7 s` or `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def print_diagnosis(diagnosis: Diagnosis, write: Callable[[str], None], offline: OfflineFiles | None = None) -> None:
    """Write the end of the log, what the error means, and what may have caused it."""
    if diagnosis.log:
        command = suggest("logs", diagnosis.step, "-e", diagnosis.execution)
        if offline:
            command = str(offline.log(diagnosis.job))
        write(f"\nlast lines of {diagnosis.step}'s log; the whole log: {command}")
        for event in diagnosis.log:
            write(f"  | {_printable(event.text)}")
    for known in diagnosis.known:
        write(f"\nwhat it means ({known.code}): {known.meaning}")
        write(f"what to do: {known.remedy}")
    if diagnosis.evidence:
        write("\nwhat may have caused it:")
        for line in diagnosis.evidence:
            write(f"  {offline.labels_check if offline and line.startswith(_LABELS_CHECK) else line}")
    if diagnosis.log or diagnosis.known or diagnosis.evidence:
        write("")


def _printable(text: str) -> str:
    """Make a line of a log safe for a terminal; the errors of decoders may contain whole images."""
    cut = text if len(text) <= _MAX_LINE_LENGTH else f"{text[:_MAX_LINE_LENGTH]} ... ({len(text)} characters)"
    return "".join(letter if letter.isprintable() or letter == "\t" else "?" for letter in cut)


def _running(step: Transition, reader: ProgressReader) -> RunningStep:
    seconds = (datetime.now(timezone.utc) - step.started).total_seconds() if step.started else 0.0
    return RunningStep(step, reader.read(step), seconds, step.offset + seconds)


def _print(region: str, change: Transition, warning: str | None, final: float | None) -> None:
    took = duration(change.seconds) if change.seconds is not None and change.status != "Executing" else ""
    attempt = f"attempt {change.attempt}" if change.attempt > 1 else ""
    job = change.job if change.status == "Failed" else ""
    score = "" if final is None else f"validation mAP {final:.3f}"
    notes = [note for note in (took, score, "from cache" if change.cached else "", attempt, job) if note]
    status, colour = change.status, COLOURS.get(change.status)
    if change.status == "Succeeded" and change.condition_met is not None:
        # "Succeeded" would read as if the gate were met.
        status, colour = ("met", colour) if change.condition_met else ("not met", typer.colors.YELLOW)
    line = f"{clock(change.offset)}  {change.step:<15} {status:<10} {', '.join(notes)}"
    print_line(line.rstrip(), colour, word=status)
    page = job_page(region, change.kind, change.job) if change.status in {"Executing", "Failed"} else None
    if page:
        print_line(f"{_INDENT}{page}")
    log = log_page(region, change.log_group, change.job) if change.status == "Failed" else None
    if log:
        print_line(f"{_INDENT}{log}")
    if warning:
        print_line(f"{_INDENT}warning: {warning}", typer.colors.YELLOW)


def _print_label_use(summary: Mapping[str, Any]) -> None:
    """Print how many lines Prepare read, used and rejected, in yellow where it rejected any."""
    rejected = any(source["rejected"] for source in summary["sources"])
    for line in describe_label_use(summary):
        print_line(f"{_INDENT}{line}", typer.colors.YELLOW if rejected else None)


def _change_json(
    region: str, change: Transition, warning: str | None, summary: Mapping[str, Any] | None
) -> dict[str, Any]:
    labels = {key: summary[key] for key in ("sources", "negatives_dropped")} if summary else None
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
        "labels": labels,
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
