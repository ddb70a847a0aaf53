"""Pushes and pulls that are cut off at any request, or meet a busy server, and what is there after the next try."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from groundloop.errors import UserError
from groundloop.review.exchange.tools import Connection, Tool, pull, push
from groundloop.review.queue import Queue
from tests.groundloop.review.exchange.fake_cvat import FakeCvat
from tests.groundloop.review.exchange.fake_label_studio import FakeLabelStudio
from tests.groundloop.review.exchange.fake_server import URL, Fault

Server = FakeLabelStudio | FakeCvat
SERVERS: dict[Tool, type[FakeLabelStudio] | type[FakeCvat]] = {Tool.LABEL_STUDIO: FakeLabelStudio, Tool.CVAT: FakeCvat}
#: Requests of an undisturbed push and pull of the queue; the last test fails when they change.
PUSH_REQUESTS = {Tool.LABEL_STUDIO: 8, Tool.CVAT: 16}
PULL_REQUESTS = {Tool.LABEL_STUDIO: 4, Tool.CVAT: 7}


def connection(server: Server) -> Connection:
    return Connection(URL, transport=server, pause=server.pauses.append)


def finish_all(server: Server) -> None:
    """Accept what is shown, on all images."""
    if isinstance(server, FakeLabelStudio):
        for number in server.tasks:
            server.annotate(number, None)
    else:
        for number in server.jobs:
            server.complete(number)


def fresh_link(queue: Queue) -> None:
    for path in Path(queue.database.path.parent).glob("*.json"):
        path.unlink()


def answers(queue: Queue) -> list[object]:
    return [(one.task, one.reviewer, one.answer.boxes) for one in queue.answers.stored()]


@pytest.mark.parametrize("tool", Tool, ids=lambda tool: tool.value)
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.value)
def test_a_push_disturbed_at_any_request_ends_with_everything_there_once(
    tool: Tool, fault: Fault, queue: Queue
) -> None:
    undisturbed = SERVERS[tool]()
    push(queue, tool, connection(undisturbed))
    for number in range(PUSH_REQUESTS[tool]):
        fresh_link(queue)
        server = SERVERS[tool]()
        server.faults = {number: fault}
        if fault in (Fault.CUT_BEFORE, Fault.CUT_AFTER):
            with pytest.raises(UserError, match="goes on where this one stopped"):
                push(queue, tool, connection(server))
        push(queue, tool, connection(server))
        assert server.state() == undisturbed.state(), f"request {number}: {server.log[number]}"


@pytest.mark.parametrize("tool", Tool, ids=lambda tool: tool.value)
@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.value)
def test_a_pull_disturbed_at_any_request_stores_each_answer_once(
    tool: Tool, fault: Fault, copied: Callable[[], Queue]
) -> None:
    queue = copied()
    server = SERVERS[tool]()
    push(queue, tool, connection(server))
    finish_all(server)
    for number in range(PULL_REQUESTS[tool]):
        begin = len(server.log)
        server.faults = {begin + number: fault}
        if fault in (Fault.CUT_BEFORE, Fault.CUT_AFTER):
            with pytest.raises(UserError, match="goes on where this one stopped"):
                pull(queue, tool, connection(server))
        pull(queue, tool, connection(server))
        assert len(answers(queue)) == 5
    result = pull(queue, tool, connection(server))
    assert (result.new, result.known) == (0, 5)


@pytest.mark.parametrize("tool", Tool, ids=lambda tool: tool.value)
def test_the_numbers_of_requests_above_are_right(tool: Tool, queue: Queue) -> None:
    server = SERVERS[tool]()
    push(queue, tool, connection(server))
    assert len(server.log) == PUSH_REQUESTS[tool], server.log
    server.log.clear()
    finish_all(server)
    pull(queue, tool, connection(server))
    assert len(server.log) == PULL_REQUESTS[tool], server.log


@pytest.mark.parametrize("tool", Tool, ids=lambda tool: tool.value)
def test_a_cleanup_cut_off_after_the_deletion_ends_with_the_next_call(tool: Tool, queue: Queue) -> None:
    server = SERVERS[tool]()
    push(queue, tool, connection(server))
    finish_all(server)
    server.faults = {"DELETE": Fault.CUT_AFTER}
    with pytest.raises(UserError, match="goes on where this one stopped"):
        pull(queue, tool, connection(server), cleanup=True)
    with pytest.raises(UserError, match="--cleanup ends that"):
        push(queue, tool, connection(server))
    assert pull(queue, tool, connection(server), cleanup=True).deleted
    assert len(answers(queue)) == 5
    assert not list(queue.database.path.parent.glob("*.json"))
