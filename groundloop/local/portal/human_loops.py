"""The human loops of a flow definition at work: their queue, the answers of its workers, an `output.json` for each.

A queue has one list of classes, while each loop brings its own: loops with other labels get another queue.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from groundloop.errors import UserError
from groundloop.images.access import UnusableImageError
from groundloop.labels.formats.a2i import output_json, output_key
from groundloop.local.context import Context, now
from groundloop.local.crowd_template import CrowdTemplate, TemplateError
from groundloop.local.errors import JobError
from groundloop.local.human_work import RUNNING, FlowDefinition, HumanLoop
from groundloop.local.portal.answers import as_worker_answers, given_answers, is_submission, newest_answer
from groundloop.local.portal.job_input import stored_size
from groundloop.local.portal.portal import STAND_IN, Portal
from groundloop.local.portal.rooms import Kind, Room, instructions
from groundloop.local.s3 import S3
from groundloop.review.decisions import StoredAnswer
from groundloop.review.queue import NewTask, Queue, QueueInfo
from groundloop.review.shown_boxes import pixel_box
from groundloop.review.wire import Shown

#: API reference, HumanLoopConfig: an hour for a task. It names no default for the availability; Ground Truth's is used.
_DEFAULT_TIME_LIMIT_SECONDS = 3_600
_DEFAULT_AVAILABILITY_SECONDS = 864_000


@dataclass
class _OpenQueue:
    """A queue with the loops of its tasks, and the newest answer that was looked at."""

    queue: Queue
    loops: dict[int, HumanLoop] = field(default_factory=dict)
    tasks: dict[int, NewTask] = field(default_factory=dict)
    seen: int = 0


class LoopsWork:
    """The human loops of one flow definition.

    Args:
        context: of the offline AWS.
        portal: where the queues are shown.
        flow: the flow definition.
        loops: its loops, whose state is changed here.
        on_end: called with each loop that has ended.
    """

    def __init__(
        self,
        context: Context,
        portal: Portal,
        flow: FlowDefinition,
        loops: list[HumanLoop],
        on_end: Callable[[HumanLoop], None],
    ) -> None:
        self._context, self._portal, self._flow, self._on_end = context, portal, flow, on_end
        self._s3 = S3(context.account)
        self._template = CrowdTemplate.parse(flow.template)
        self._loops = loops
        self._queues: dict[str, _OpenQueue] = {}
        config = flow.request["HumanLoopConfig"]
        self.team = str(config["WorkteamArn"]).rpartition("/")[2]
        self._workers = int(config["TaskCount"])
        self._lifetime = timedelta(
            seconds=config.get("TaskAvailabilityLifetimeInSeconds", _DEFAULT_AVAILABILITY_SECONDS)
        )

    @property
    def title(self) -> str:
        """Name of the resource for messages."""
        return f"flow definition {self._flow.name}"

    @property
    def is_ended(self) -> bool:
        """Whether no loop is running."""
        return not any(loop.status in RUNNING for loop in self._loops)

    def advance(self) -> None:
        """Take in the answers that there are, stop what is to stop, and let expire what has expired."""
        for loop in [one for one in self._loops if one.status in RUNNING]:
            if loop.status == "Stopping" and not loop.queue:
                self._end(loop, "Stopped")
            elif loop.queue not in self._queues:
                self._open(loop)
        for opened in list(self._queues.values()):
            self._take_in(opened)

    def fail(self, reason: str) -> None:
        """End all running loops with an error."""
        for loop in self._loops:
            if loop.status in RUNNING:
                self._end(loop, "Failed", "InternalError", reason)

    def _open(self, loop: HumanLoop) -> None:
        """Put a loop into a queue, or open the queue that holds it already."""
        if loop.queue and self._portal.has_queue(Kind.FLOW_DEFINITION, loop.queue):
            queue = self._portal.open_queue(Kind.FLOW_DEFINITION, loop.queue)
            opened = self._shown(loop.queue, queue)
            opened.loops = {one.task: one for one in self._loops if one.queue == loop.queue}
            return
        try:
            content = json.loads(loop.content)
            classes = self._template.labels(content)
            task = self._task(loop, content, classes)
        except (TemplateError, UnusableImageError, UserError) as error:
            self._end(loop, "Failed", "ValidationError", str(error))
            return
        self._add(loop, task, classes)

    def _task(self, loop: HumanLoop, content: dict[str, Any], classes: tuple[str, ...]) -> NewTask:
        image = self._template.image(content)
        width, height = stored_size(self._portal.rooms.images, image)
        boxes = tuple(
            pixel_box(
                classes.index(box["label"]),
                (box["left"], box["top"], box["left"] + box["width"], box["top"] + box["height"]),
                width,
                height,
                score=None,
            )
            for box in self._template.initial_boxes(content)
        )
        why = content.get("why")
        return NewTask(
            source_ref=image,
            width=width,
            height=height,
            shown=Shown.MODEL if boxes else Shown.NOTHING,
            boxes=boxes,
            key=loop.name,
            why=tuple(map(str, why)) if isinstance(why, list) else (),
        )

    def _add(self, loop: HumanLoop, task: NewTask, classes: tuple[str, ...]) -> None:
        name = next((name for name, one in self._queues.items() if one.queue.info.classes == classes), None)
        if name is None:
            name = self._new_name()
            self._shown(name, self._portal.make_queue(Kind.FLOW_DEFINITION, name, self._info(name, classes), []))
        opened = self._queues[name]
        (loop.task,) = opened.queue.add_tasks([task])
        loop.queue = name
        opened.loops[loop.task] = loop
        opened.tasks[loop.task] = task

    def _new_name(self) -> str:
        """Return the name of another queue."""
        names = (self._flow.name if number == 1 else f"{self._flow.name}.{number}" for number in count(1))
        return next(name for name in names if not self._portal.has_queue(Kind.FLOW_DEFINITION, name))

    def _info(self, name: str, classes: tuple[str, ...]) -> QueueInfo:
        config = self._flow.request["HumanLoopConfig"]
        return QueueInfo(
            name=f"{name} ({STAND_IN})",
            classes=classes,
            lease_seconds=config.get("TaskTimeLimitInSeconds", _DEFAULT_TIME_LIMIT_SECONDS),
            instructions=instructions(config["TaskDescription"], self._template.instructions),
            source=self.title,
            answers=self._workers,
            adjudication=False,
        )

    def _shown(self, name: str, queue: Queue) -> _OpenQueue:
        opened = _OpenQueue(queue, tasks=dict(queue.tasks()))
        self._queues[name] = opened
        self._portal.rooms.show(
            Room(
                Kind.FLOW_DEFINITION,
                name,
                str(self._flow.request["HumanLoopConfig"]["TaskTitle"]),
                self.team,
                self._flow.members,
                queue,
                lambda task: task not in opened.loops or opened.loops[task].status not in RUNNING,
                lambda: not any(loop.status in RUNNING for loop in opened.loops.values()),
            )
        )
        return opened

    def _take_in(self, opened: _OpenQueue) -> None:
        running = {task: loop for task, loop in opened.loops.items() if loop.status in RUNNING}
        newest, moment = newest_answer(opened.queue, opened.seen), now()
        given = given_answers(opened.queue) if running and newest != opened.seen else {}
        for task, loop in running.items():
            submitted = [one for one in given.get(task, []) if is_submission(one)][: self._workers]
            if loop.status == "Stopping":
                self._end(loop, "Stopped")
            elif len(submitted) == self._workers:
                self._complete(opened, loop, submitted)
            elif moment > loop.created + self._lifetime:
                self._end(loop, "Failed", "Expired", "The task expired before enough workers had submitted it.")
        if gone := [task for task, loop in running.items() if loop.status in ("Stopped", "Failed")]:
            opened.queue.withdraw(gone)
        opened.seen = newest

    def _complete(self, opened: _OpenQueue, loop: HumanLoop, given: list[StoredAnswer]) -> None:
        """Write the output of a loop."""
        answers = as_worker_answers(
            opened.tasks[loop.task], given, opened.queue.info.classes, self._context.region, self._context.account
        )
        content = output_json(self._flow.arn, loop.name, json.loads(loop.content), answers, self._template.name)
        prefix = self._flow.request["OutputConfig"]["S3OutputPath"].rstrip("/")
        uri = f"{prefix}/{output_key(self._flow.name, loop.created, loop.name)}"
        try:
            self._s3.put(uri, content)
        except JobError as error:
            self._end(loop, "Failed", "InternalError", error.text)
        else:
            loop.output = uri
            self._end(loop, "Completed")

    def _end(self, loop: HumanLoop, status: str, code: str | None = None, reason: str | None = None) -> None:
        loop.status, loop.failure_code, loop.failure = status, code, reason and reason[:1024]
        self._on_end(loop)
