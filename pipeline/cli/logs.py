"""`groundloop logs`: the log of a step's job."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, JsonLines, PipelineName, complete_step, load
from pipeline.cli.output import print_json_line, print_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from groundloop.executions.logs import Event

#: Pause between two reads of CloudWatch, in seconds.
_POLL_SECONDS = 5.0


def logs(
    step: Annotated[
        str,
        typer.Argument(
            help="Name of a step that runs a job: Prepare, Train, Predict, Evaluate ...", autocompletion=complete_step
        ),
    ],
    execution: Annotated[
        str | None, typer.Option("--execution", "-e", help="ARN or id of the execution; default: the latest.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep following until the step ends.")] = False,
    tail: Annotated[int | None, typer.Option("--tail", "-n", min=1, help="Print only the last N lines.")] = None,
    name: PipelineName = None,
    as_json: JsonLines = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Print the log of a step's job.

    If the step was retried, the logs of all its jobs are printed.

    Example: groundloop logs Train --follow
    """
    settings = load(config, assignments)
    from groundloop.aws import poll_seconds
    from groundloop.executions.control import resolve
    from groundloop.executions.jobs import earlier_jobs, has_ended, job_of
    from groundloop.executions.logs import JobLog

    region = settings.aws.region
    arn = resolve(region, name or settings.pipeline.name, execution)
    job = job_of(region, arn, step, wait=follow)
    if tail is None:
        for number, earlier in enumerate(earlier_jobs(region, arn, job), 1):
            print_line(f"attempt {number}, {earlier}:", to_stderr=True)
            _print(JobLog(region, job.log_group, earlier).more(), as_json)
            print_line(f"attempt {number + 1}:", to_stderr=True)
    log = JobLog(region, job.log_group, job.job)
    printed = _print(log.tail(tail) if tail else log.more(), as_json)
    while follow:
        ended = has_ended(region, job)  # called before the log is read, so that the log's end is read too
        printed += _print(log.more(), as_json)
        if ended:
            break
        time.sleep(poll_seconds(_POLL_SECONDS))
    if not printed:
        print_line(f"the log of {job.job} ({job.log_group}) is empty so far", to_stderr=True)


def _print(events: Iterable[Event], as_json: bool) -> int:
    """Print log events; return how many there were."""
    count = 0
    for event in events:
        if as_json:
            print_json_line({"time": event.time.isoformat(), "stream": event.stream, "text": event.text})
        else:
            for line in event.text.splitlines() or [""]:
                print_line(line.expandtabs())
        count += 1
    return count
