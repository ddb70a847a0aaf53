"""One execution of a pipeline: which step runs when, and its result."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from groundloop.local.context import Context, now
from groundloop.local.executor.cache import CachedRun, StepCache, cache_key
from groundloop.local.executor.conditions import all_hold
from groundloop.local.executor.expressions import ResolveError, Resolver
from groundloop.local.executor.policies import cache_expiry, pause_before_next, retry_policies
from groundloop.local.executor.record import StepRecord
from groundloop.local.executor.runner import StepError, StepStoppedError
from groundloop.local.executor.steps import runner_for
from groundloop.local.s3 import S3
from groundloop.spec.definition import COMPLETED, Definition, Json, Step
from groundloop.spec.graph import needed_successes, predecessors, run_conditions

logger = logging.getLogger(__name__)

#: DescribePipelineExecution's reason when steps failed; the steps have their own.
_STEPS_FAILED = "Step failure: One or multiple steps failed."


#: The status of an execution in which steps failed, and others ran because of that.
COMPLETED_WITH_FAILURES = "CompletedWithFailures"


def _needed(step: Step) -> set[str]:
    """Return the steps that have to succeed before a step, with the Condition step that it is in a branch of."""
    return needed_successes(step) | ({step.branch[0]} if step.branch else set())


class Execution:
    """One execution. `variables` are the `Execution.*` that do not change while it runs."""

    def __init__(
        self,
        context: Context,
        definition: Definition,
        parameters: Mapping[str, Any],
        variables: Mapping[str, str],
        cache: StepCache,
        max_parallel: int | None = None,
    ) -> None:
        self._context, self._definition, self._cache = context, definition, cache
        self._parameters, self._variables = parameters, variables
        self._predecessors = {name: set(names) for name, names in predecessors(definition).items()}
        self._conditions = {step.name: run_conditions(step) for step in definition.steps}
        self._needed = {step.name: _needed(step) for step in definition.steps}
        self._max_parallel = max_parallel or len(definition.steps)
        self.arn = variables["PipelineExecutionArn"]
        self.status = "Executing"
        self.failure_reason: str | None = None
        self.started = self.modified = now()
        self.records: dict[str, StepRecord] = {}
        self._outputs: dict[str, Json] = {}
        self._branches: dict[str, bool] = {}
        self._skipped: set[str] = set()
        self._fail_message: str | None = None
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._asked_to_stop = False
        self._numbers = itertools.count()
        self._s3 = S3(context.account)
        self._client = context.client("sagemaker")
        self._thread = self._new_thread()

    def state(self) -> Json:
        """Return an execution that has ended as JSON values and times."""
        return {
            "status": self.status,
            "failure_reason": self.failure_reason,
            "started": self.started,
            "modified": self.modified,
            "variables": dict(self._variables),
            "steps": [
                {name: value for name, value in vars(record).items() if name != "step"} | {"name": record.step.name}
                for record in self.steps()
            ],
            "outputs": self._outputs,
            "branches": self._branches,
            "skipped": sorted(self._skipped),
        }

    def restore(self, state: Json) -> None:
        """Take over what `state` returned, instead of a start."""
        self.status, self.failure_reason = state["status"], state["failure_reason"]
        self.started, self.modified = state["started"], state["modified"]
        by_name = {step.name: step for step in self._definition.steps}
        for item in state["steps"]:
            name = item.pop("name")
            self.records[name] = StepRecord(step=by_name[name], **item)
        self._numbers = itertools.count(len(self.records))
        self._outputs, self._branches = state["outputs"], state["branches"]
        self._skipped = set(state["skipped"])

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(
            target=self._run, name=f"execution-{self._variables['PipelineExecutionId']}", daemon=True
        )

    def start(self) -> None:
        """Start the execution; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the execution, and the jobs of its steps, to stop; returns at once."""
        with self._changed:
            if self.status != "Executing":
                return
            self.status, self.modified = "Stopping", now()
            self._asked_to_stop = True
            for record in self.records.values():
                if record.status in ("Starting", "Executing"):
                    record.status = "Stopping"
            self._stop.set()
            self._changed.notify_all()
        self._context.bell.ring()

    def join(self) -> None:
        """Wait for the execution's end."""
        if self._thread.ident is not None:  # one that was restored never ran here
            self._thread.join()

    def retry(self) -> None:
        """Continue after a failure or a stop: steps that succeeded are kept, the others run again."""
        self.join()
        with self._changed:
            self.records = {name: record for name, record in self.records.items() if record.status == "Succeeded"}
            self.status, self.failure_reason, self.modified = "Executing", None, now()
            self._fail_message, self._asked_to_stop = None, False
            # Of these, some waited for steps that run again.
            self._skipped = set()
            self._stop.clear()
            self._thread = self._new_thread()
        self.start()

    def steps(self) -> list[StepRecord]:
        """Return the steps that were started, in that order."""
        with self._changed:
            return sorted(self.records.values(), key=lambda record: record.number)

    # The plan: which step may run

    def _run(self) -> None:
        with self._changed:
            while True:
                running = [record for record in self.records.values() if record.ended is None]
                started = False
                if not self._stop.is_set():
                    for step in self._startable()[: self._max_parallel - len(running)]:
                        self._start_step(step)
                        started = True
                if not running and not started:
                    break
                self._changed.wait()
            self._finish()

    def _finish(self) -> None:
        failed = [record for record in self.records.values() if record.status == "Failed"]
        if self._asked_to_stop:
            self.status = "Stopped"
        elif self._fail_message is not None or not all(
            self._handlers(record) & self.records.keys() for record in failed
        ):
            self.status, self.failure_reason = "Failed", self._fail_message or _STEPS_FAILED
        else:
            self.status = COMPLETED_WITH_FAILURES if failed else "Succeeded"
        self.modified = now()

    def _handlers(self, record: StepRecord) -> set[str]:
        """Return the steps that run, or have run, because this step ended as it did."""
        return {
            name
            for name, conditions in self._conditions.items()
            if name not in self._skipped
            and record.step.name in conditions
            and record.meets(conditions[record.step.name])
        }

    def _startable(self) -> list[Step]:
        """Return the steps that may start: after a failure that no step handles, only those that run on a failure."""
        ready = self._ready()
        if all(self._handlers(record) for record in self.records.values() if record.status == "Failed"):
            return ready
        return [step for step in ready if self._conditions[step.name]]

    def _ready(self) -> list[Step]:
        """Return the steps whose dependencies are met; skip those whose dependencies can't be met any more."""
        found: list[Step] = []
        moved = True
        while moved:
            moved = False
            found = []
            for step in self._definition.steps:
                if step.name in self.records or step.name in self._skipped:
                    continue
                if self._left_out(step):
                    self._skipped.add(step.name)
                    moved = True
                elif self._needed[step.name] <= self._outputs.keys() and all(
                    name in self.records and self.records[name].meets(trigger)
                    for name, trigger in self._conditions[step.name].items()
                ):
                    found.append(step)
        return found

    def _left_out(self, step: Step) -> bool:
        if self._predecessors[step.name] & self._skipped:
            return True
        ended = {name: record for name, record in self.records.items() if record.ended is not None}
        if any(name in ended and not ended[name].meets(COMPLETED) for name in self._needed[step.name]):
            return True
        conditions = self._conditions[step.name].items()
        if any(name in ended and not ended[name].meets(trigger) for name, trigger in conditions):
            return True
        if step.branch is None:
            return False
        condition, steps = step.branch
        return condition in self._branches and self._branches[condition] != (steps == "IfSteps")

    # One step

    def _start_step(self, step: Step) -> None:
        record = StepRecord(step, next(self._numbers))
        self.records[step.name] = record
        self.modified = now()
        threading.Thread(target=self._run_step, args=(record,), name=f"step-{step.name}", daemon=True).start()

    def _run_step(self, record: StepRecord) -> None:
        status, reason, outputs = "Succeeded", None, None
        try:
            with self._changed:
                if record.status == "Starting":
                    record.status = "Executing"
            outputs = self._execute(record)
        except StepStoppedError:
            status = "Stopped"
        except (StepError, ResolveError) as error:
            record.job_stopped = isinstance(error, StepError) and error.stopped
            status, reason = "Failed", str(error) if isinstance(error, StepError) else f"ClientError: {error}"
        except Exception as error:
            # A fault of the offline AWS itself: an execution always ends, and says how.
            if not self._context.stopping.is_set():
                logger.exception("step %s", record.step.name)
            status, reason = "Failed", f"InternalServerError: the offline AWS failed: {error!r}"
        with self._changed:
            if outputs is not None:
                self._outputs[record.step.name] = outputs
            record.status, record.failure_reason, record.ended = status, reason, now()
            self.modified = now()
            self._changed.notify_all()

    def _resolver(self) -> Resolver:
        with self._changed:
            outputs = dict(self._outputs)
        variables = {**self._variables, "CurrentDateTime": now().isoformat()}
        return Resolver(self._definition, self._parameters, variables, outputs, self._s3.read)

    def _execute(self, record: StepRecord) -> Json:
        step = record.step
        resolver = self._resolver()
        if step.type == "Condition":
            record.attempts = 1
            return self._decide(record, resolver)
        request: Json = resolver.resolve(step.arguments)
        if step.type == "Fail":
            record.attempts = 1
            self._fail(record, str(request.get("ErrorMessage", "")))
        max_age = cache_expiry(step.raw.get("CacheConfig"))
        key, pipeline = cache_key(step.type, request), self._variables["PipelineArn"]
        hit = None if max_age is None else self._cache.find(pipeline, step.name, key, max_age)
        if hit is not None:
            record.cached_from, record.metadata = hit.execution_arn, hit.metadata
            return hit.outputs
        outputs = self._attempt(record, request)
        # Kept with the cache off too: of several earlier runs, the latest one counts.
        self._cache.add(pipeline, step.name, key, CachedRun(self.arn, now(), outputs, dict(record.metadata)))
        return outputs

    def _decide(self, record: StepRecord, resolver: Resolver) -> Json:
        outcome = all_hold(record.step.arguments["Conditions"], resolver)
        record.metadata = {"Condition": {"Outcome": "True" if outcome else "False"}}
        with self._changed:
            self._branches[record.step.name] = outcome
        return {"Outcome": outcome}

    def _fail(self, record: StepRecord, message: str) -> None:
        """End the whole execution, as the Fail step does: steps that still run are stopped."""
        record.metadata = {"Fail": {"ErrorMessage": message}}
        with self._changed:
            self._fail_message = message
            self._stop.set()
        self._context.bell.ring()
        raise StepError(message)

    def _attempt(self, record: StepRecord, request: Json) -> Json:
        """Run the step, again and again as far as its retry policies say."""
        step = record.step
        runner = runner_for(step.type, self._client, self._stop, self._context.bell)
        retries = retry_policies(step.raw.get("RetryPolicies"))
        started = time.monotonic()
        while True:
            record.attempts += 1
            try:
                name = runner.name(self._variables["PipelineExecutionId"], step.name)
                return runner.run(request, name, lambda metadata: self._tell(record, metadata))
            except StepError as error:
                pause = pause_before_next(retries, error.kind, record.attempts, time.monotonic() - started)
                if pause is None:
                    raise
                if self._stop.wait(pause):
                    raise StepStoppedError from error

    def _tell(self, record: StepRecord, metadata: Json) -> None:
        with self._changed:
            record.metadata = metadata
