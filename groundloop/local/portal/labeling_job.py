"""A labelling job at work: its queue, the answers of its workers, its output folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from groundloop.errors import UserError
from groundloop.labels.formats.worker_response import worker_response_key
from groundloop.local.context import Context, now
from groundloop.local.crowd_template import CrowdTemplate
from groundloop.local.errors import JobError
from groundloop.local.human_work import RUNNING, LabelingJob
from groundloop.local.portal import job_input, job_output
from groundloop.local.portal.answers import as_worker_answers, given_answers, is_submission, newest_answer
from groundloop.local.portal.portal import STAND_IN, Portal
from groundloop.local.portal.rooms import Kind, Room, instructions
from groundloop.local.portal.verdicts import VerdictOutput
from groundloop.local.portal.verdicts import instructions as verdict_instructions
from groundloop.local.s3 import S3
from groundloop.review.decisions import StoredAnswer
from groundloop.review.queue import NewTask, Queue, QueueInfo
from groundloop.review.wire import Outcome
from groundloop.spec.labeling_jobs import TaskType, task_type_of

#: How long tasks of a private workforce can be worked on, unless the request says it (API reference, HumanTaskConfig).
_DEFAULT_AVAILABILITY_SECONDS = 864_000
_INPUT = "input.manifest"


class LabelingWork:
    """A labelling job that is worked on.

    Args:
        context: of the offline AWS.
        portal: where its queue is shown.
        job: its state, which is changed here.
        on_end: called when the job has ended.
    """

    def __init__(
        self, context: Context, portal: Portal, job: LabelingJob, on_end: Callable[[LabelingJob], None]
    ) -> None:
        self._context, self._portal, self._job, self._on_end = context, portal, job, on_end
        self._s3 = S3(context.account)
        self._queue: Queue | None = None
        self._tasks: dict[int, NewTask] = {}
        self._output: job_output.LabelOutput
        self._seen = 0
        task = job.request["HumanTaskConfig"]
        self.team = str(task["WorkteamArn"]).rpartition("/")[2]
        self._workers = int(task["NumberOfHumanWorkersPerDataObject"])
        available = task.get("TaskAvailabilityLifetimeInSeconds", _DEFAULT_AVAILABILITY_SECONDS)
        self._verifies = task_type_of(job.request) is TaskType.VERIFICATION
        self._deadline: datetime = job.created + timedelta(seconds=available)

    @property
    def title(self) -> str:
        """Name of the resource for messages."""
        return f"labeling job {self._job.name}"

    @property
    def is_ended(self) -> bool:
        """Whether there is nothing to do any more."""
        return self._job.status not in RUNNING

    def advance(self) -> None:
        """Take in the answers that there are, and let expire what has expired."""
        try:
            if self._queue is None:
                self._open()
            if self._queue is not None:
                self._take_in(self._queue)
            self._end_if_done()
        except (job_input.JobInputError, JobError, UserError) as error:
            text = error.text if isinstance(error, JobError) else str(error)
            self.fail(f"ClientError: {text}")

    def fail(self, reason: str) -> None:
        """End the job with an error."""
        self._job.failure = reason[:1024]
        self._end("Failed")

    def _end(self, status: str) -> None:
        self._job.status, self._job.modified = status, now()
        self._on_end(self._job)

    def _open(self) -> None:
        """Make the job's queue, or open the one that was kept."""
        job = self._job
        categories = job_input.read_categories(self._s3.read(job.request["LabelCategoryConfigS3Uri"]))
        template = self._read_template()
        if self._portal.has_queue(Kind.LABELING_JOB, job.name) and job.lines:
            self._queue = self._portal.open_queue(Kind.LABELING_JOB, job.name)
        elif job.status == "Initializing":
            self._queue = self._new_queue(categories, template)
            job.status, job.modified = "InProgress", now()
        elif job.status == "InProgress":
            raise UserError(
                f"the queue of {self.title} is gone from {self._portal.folder(Kind.LABELING_JOB, job.name)}"
            )
        if self._queue is None:
            return
        self._tasks = dict(self._queue.tasks())
        self._output = self._output_of(self._queue, categories, template)
        self._portal.rooms.show(
            Room(
                Kind.LABELING_JOB,
                job.name,
                str(job.request["HumanTaskConfig"]["TaskTitle"]),
                self.team,
                job.members,
                self._queue,
                lambda _: self.is_ended,
                lambda: self.is_ended,
            )
        )

    def _read_template(self) -> CrowdTemplate:
        content = self._s3.read(self._job.request["HumanTaskConfig"]["UiConfig"]["UiTemplateS3Uri"])
        return CrowdTemplate.parse(content.decode("utf-8", "replace"), verifies=self._verifies)

    def _output_of(
        self, queue: Queue, categories: job_input.Categories, template: CrowdTemplate
    ) -> job_output.LabelOutput:
        if self._verifies:
            return VerdictOutput(self._job.name, categories.names, queue.info.classes, template.name)
        earlier = self._earlier(self._read_lines(), categories, template)
        return job_output.BoxOutput(self._job.name, categories.names, template.name, earlier)

    def _earlier(self, lines: Sequence[bytes], categories: job_input.Categories, template: CrowdTemplate) -> str | None:
        """Return the label attribute that an adjustment or verification is about; None for other jobs."""
        task_type = task_type_of(self._job.request)
        if task_type is None or not task_type.is_chained:
            return None
        return job_input.earlier_attribute(lines, template.earlier_labels, categories)

    def _new_queue(self, categories: job_input.Categories, template: CrowdTemplate) -> Queue | None:
        """Make the queue of the lines that need a label; None where none does."""
        job, attribute = self._job, self._job.request["LabelAttributeName"]
        lines = self._read_lines()
        job.total = len(lines)
        earlier = self._earlier(lines, categories, template)
        classes = categories.names
        if self._verifies and earlier:
            classes = job_input.classes_of(lines, earlier)
        limit = self._limit(len(lines))
        tasks: list[NewTask] = []
        for found in job_input.job_objects(lines, attribute, earlier, classes, self._portal.rooms.images):
            if found.task is None:
                self._fail_object(found.position, found.problem)
            elif len(tasks) < limit:
                tasks.append(found.task)
                job.lines.append(found.position)
            else:
                job.is_cut = True
        if not tasks:
            return None
        how = verdict_instructions(categories.names) if self._verifies else ""
        task = job.request["HumanTaskConfig"]
        info = QueueInfo(
            name=f"{job.name} ({STAND_IN})",
            classes=classes,
            mode="label" if earlier is None else "review",
            label_attribute=attribute,
            lease_seconds=task["TaskTimeLimitInSeconds"],
            instructions=instructions(task["TaskDescription"], template.instructions, how),
            source=f"labeling job {job.arn}",
            answers=self._workers,
            adjudication=False,
        )
        queue = self._portal.make_queue(Kind.LABELING_JOB, job.name, info, tasks)
        (self._portal.folder(Kind.LABELING_JOB, job.name) / _INPUT).write_bytes(b"\n".join(lines) + b"\n")
        return queue

    def _read_lines(self) -> list[bytes]:
        """Return the input manifest, of which a copy is kept: the original may change while people work."""
        copy = self._portal.folder(Kind.LABELING_JOB, self._job.name) / _INPUT
        if self._job.lines:
            return job_input.read_lines(copy.read_bytes())
        source = self._job.request["InputConfig"]["DataSource"]["S3DataSource"]["ManifestS3Uri"]
        return job_input.read_lines(self._s3.read(source))

    def _limit(self, total: int) -> int:
        conditions = self._job.request.get("StoppingConditions") or {}
        share = conditions.get("MaxPercentageOfInputDatasetLabeled", 100)
        return min(conditions.get("MaxHumanLabeledObjectCount", total), total * share // 100)

    def _take_in(self, queue: Queue) -> None:
        newest, moment = newest_answer(queue, self._seen), now()
        is_late = moment > self._deadline
        if newest == self._seen and not is_late:
            return
        given = given_answers(queue)
        done: list[tuple[int, NewTask, list[StoredAnswer]]] = []
        for number, position in enumerate(self._job.lines, start=1):
            answers = given.get(number, [])
            submitted = [one for one in answers if is_submission(one)][: self._workers]
            result = self._job.results.get(str(position))
            if result is not None and result["label"] is None:
                continue
            if len(submitted) == self._workers:
                if result is None or result["answers"] != [one.answer.client_id for one in submitted]:
                    done.append((position, self._tasks[number], submitted))
            elif result is None and (reason := self._hopeless(answers, is_late)):
                self._fail_object(position, reason)
        if done:
            self._write(queue, done, moment)
        self._seen = newest

    def _hopeless(self, answers: Sequence[StoredAnswer], is_late: bool) -> str | None:
        """Return why an object can't be labelled any more; None while it can."""
        if is_late:
            return "The task expired before enough workers had submitted it."
        if any(one.answer.outcome is Outcome.BAD_IMAGE for one in answers):
            return "A worker said that the image can't be labelled."
        declined = sum(not is_submission(one) for one in answers)
        if declined and len(self._job.members) - declined < self._workers:
            return "Too many workers declined the task."
        return None

    def _write(self, queue: Queue, done: Sequence[tuple[int, NewTask, list[StoredAnswer]]], moment: datetime) -> None:
        """Write the answers of workers and the labels that they give."""
        job = self._job
        classes, attribute = queue.info.classes, job.request["LabelAttributeName"]
        objects = []
        results: dict[int, dict[str, Any]] = {}
        for position, task, given in done:
            answers = as_worker_answers(task, given, classes, self._context.region, self._context.account)
            objects.append((position, task, answers))
            before = job.results.get(str(position))
            written = before["written"] if before else moment
            self._put(worker_response_key(position, written), self._output.worker_response(task, answers))
            ids = [one.answer.client_id for one in given]
            label = self._output.label(task, answers, moment)
            results[position] = {**label, "answers": ids, "written": written}
        name = f"iteration-1/{self._batch_time(moment):%Y-%m-%d_%H:%M:%S}.json"
        for stage, content in (
            ("request", job_output.consolidation_request(objects, self._output)),
            ("response", job_output.consolidation_response(attribute, results)),
        ):
            self._put(f"{job_output.CONSOLIDATED}/consolidation-{stage}/{name}", _json(content))
        job.results.update({str(position): result for position, result in results.items()})
        job.modified = moment
        self._write_manifest()

    def _batch_time(self, moment: datetime) -> datetime:
        """Return a time to the second that no earlier batch has as its name."""
        last = self._job.last_batch
        self._job.last_batch = moment if last is None else max(moment, last + timedelta(seconds=1))
        return self._job.last_batch

    def _fail_object(self, position: int, reason: str) -> None:
        moment = now()
        metadata = job_output.failure_of(self._job.name, reason, moment)
        self._job.results[str(position)] = {"label": None, "metadata": metadata, "answers": [], "written": moment}
        self._job.modified = moment

    def _end_if_done(self) -> None:
        job = self._job
        is_done = all(str(position) in job.results for position in job.lines)
        if job.status == "Stopping" or is_done:
            self._write_manifest()
            if self._queue is not None:
                open_tasks = (number for number, place in enumerate(job.lines, 1) if str(place) not in job.results)
                self._queue.withdraw(open_tasks)
            self._end("Stopped" if job.status == "Stopping" or job.is_cut else "Completed")

    def _write_manifest(self) -> None:
        """Write the output manifest with the labels that there are."""
        lines = self._read_lines()
        self._job.total = self._job.total or len(lines)
        attribute = self._job.request["LabelAttributeName"]
        self._s3.put(self._job.output, job_output.output_manifest(lines, attribute, self._job.results))

    def _put(self, key: str, content: bytes) -> None:
        self._s3.put(f"{self._job.folder}/{key}", content)


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
