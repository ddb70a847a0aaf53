"""Report what happens in the jobs of a running execution; stop a training job where the configuration says so."""

from __future__ import annotations

from collections.abc import Collection

import typer
from botocore.exceptions import BotoCoreError, ClientError

from groundloop.aws import explain
from groundloop.executions.control import Transition, stop_training_job, stopped_by_watch, write_stop_reason
from groundloop.executions.polled_job import JobEvent
from groundloop.executions.training_progress import FindingAppeared
from groundloop.spec.training_rules import RuleCode, TrainingFinding
from pipeline.cli.job_events import event_json, event_text
from pipeline.cli.output import print_json_line, print_line, print_warning
from pipeline.cli.progress_line import ProgressDisplay, clock


class EventReporter:
    """Prints each event, and stops training jobs on the findings that are named for it.

    Args:
        region: AWS region.
        arn: ARN of the execution.
        stop_on: codes of findings on which a training job is stopped; a job that has ended isn't.
        display: the display that makes room for the lines.
        as_json: print one JSON object per event.
    """

    def __init__(
        self, region: str, arn: str, stop_on: Collection[RuleCode], display: ProgressDisplay, as_json: bool
    ) -> None:
        self._region, self._arn, self._stop_on = region, arn, stop_on
        self._display, self._as_json = display, as_json
        self._stopped: dict[str, str] = {}
        self._found: set[tuple[str, str]] = set()

    def report(self, step: Transition, events: Collection[JobEvent], offset: float, running: bool) -> None:
        """Print the events of a step's job.

        Args:
            step: the step.
            events: what has happened, oldest first.
            offset: seconds since the execution started.
            running: whether the job has not ended.
        """
        for event in events:
            stops = running and self._stops(step, event)
            self._display.clear()
            if self._as_json:
                stop = {"stops": stops} if isinstance(event, FindingAppeared) else {}
                # `event` comes first, as in every line.
                print_json_line({"event": "", "step": step.step, "job": step.job, **event_json(event), **stop})
            else:
                colour = typer.colors.YELLOW if isinstance(event, FindingAppeared) else None
                print_line(f"{clock(offset)}  {step.step:<15} {event_text(event)}", colour, word="finding")
            if isinstance(event, FindingAppeared):
                self._found.add((step.job, event.finding.code))
                if stops:
                    self._stop(step.job, event.finding)

    def has_found(self, job: str, code: RuleCode) -> bool:
        """Tell whether a finding of a job was printed."""
        return (job, code) in self._found

    @property
    def stop_reasons(self) -> list[str]:
        """Why training jobs were stopped, one line for each."""
        return list(self._stopped.values())

    def _stops(self, step: Transition, event: JobEvent) -> bool:
        return (
            isinstance(event, FindingAppeared)
            and event.finding.code in self._stop_on
            and (step.job not in self._stopped)
        )

    def _stop(self, job: str, finding: TrainingFinding) -> None:
        if not self._as_json:
            print_line(f"stopping {job}: training.watch.stop_on names {finding.code}")
        try:
            if not stop_training_job(self._region, job):
                if not self._as_json:
                    print_line(f"{job} had already ended by itself")
                return
        except (ClientError, BotoCoreError) as error:
            print_warning(f"{job} could not be stopped: {explain(error)}")
            return
        reason = self._stopped[job] = stopped_by_watch(job, finding.text)
        try:
            write_stop_reason(self._region, self._arn, reason)
        except (ClientError, BotoCoreError) as error:
            print_warning(f"the reason could not be written into the execution's description: {explain(error)}")
