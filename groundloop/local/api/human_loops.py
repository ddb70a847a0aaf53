"""Amazon A2I's runtime: human loops, which people work on in the worker portal.

Names and inputs: SageMaker developer guide, "Create and start a human loop"; a name is used once, and starting a loop
again with the same input is no error.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from groundloop.local.api.flow_definitions import FlowDefinitions
from groundloop.local.api.paging import in_order, page, within
from groundloop.local.api.portal import PortalHost
from groundloop.local.api.rules import event_of
from groundloop.local.context import Context, now
from groundloop.local.errors import ApiError, invalid
from groundloop.local.human_work import RUNNING, FlowDefinition, HumanLoop

EVENT = "SageMaker A2I HumanLoop Status Change"


class HumanLoops:
    """All human loops of one offline AWS."""

    def __init__(self, context: Context, portal: PortalHost, flows: FlowDefinitions) -> None:
        self._context, self._portal, self._flows = context, portal, flows
        self._loops: dict[str, HumanLoop] = {}
        #: Every flow definition that was ever used, also a deleted one, and its loops, by its version.
        self._used: dict[str, FlowDefinition] = {}
        self._of_flow: dict[str, list[HumanLoop]] = {}
        self._on_event: Callable[[dict[str, Any]], None] = lambda event: None

    def on_event(self, callback: Callable[[dict[str, Any]], None]) -> None:
        """Have a function called with the EventBridge event of each loop that ends."""
        self._on_event = callback

    def state(self) -> dict[str, Any]:
        """Return all human loops as JSON values and times."""
        return {
            "flows": [flow.state() for flow in self._used.values()],
            "loops": [loop.state() for loop in self._loops.values()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned; the people go on where they were."""
        for item in state["loops"]:
            loop = HumanLoop(**item)
            self._loops[loop.name] = loop
        for item in state["flows"]:
            flow = FlowDefinition.from_state(item)
            self._work_on(flow, [loop for loop in self._loops.values() if loop.version == flow.version])

    def _work_on(self, flow: FlowDefinition, loops: list[HumanLoop]) -> None:
        self._used[flow.version], self._of_flow[flow.version] = flow, loops
        self._portal.add_flow_definition(flow, loops, self._ended)

    def _ended(self, loop: HumanLoop) -> None:
        detail = {
            "creationTime": loop.created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "failureCode": loop.failure_code,
            "failureReason": loop.failure,
            "flowDefinitionArn": loop.flow,
            "humanLoopArn": loop.arn,
            "humanLoopName": loop.name,
            "humanLoopOutput": {"outputS3Uri": loop.output} if loop.output else None,
            "humanLoopStatus": loop.status,
        }
        self._on_event(event_of(self._context, EVENT, loop.arn, detail))

    def count_running(self) -> int:
        """Count the loops that people work on."""
        return sum(loop.status in RUNNING for loop in self._loops.values())

    def start_human_loop(self, request: dict[str, Any]) -> dict[str, Any]:
        """Put an image into the queue of a flow definition."""
        name, content = request["HumanLoopName"], request["HumanLoopInput"]["InputContent"]
        flow = self._flows.by_arn(request["FlowDefinitionArn"])
        if flow is None:
            raise invalid(f"Could not find flow definition {request['FlowDefinitionArn']}.")
        try:
            is_object = isinstance(json.loads(content), dict)
        except (ValueError, RecursionError):
            is_object = False
        if not is_object:
            raise invalid("HumanLoopInput.InputContent is not a JSON object.")
        with self._context.lock:
            known = self._loops.get(name)
            if known and (known.flow != flow.arn or json.loads(known.content) != json.loads(content)):
                raise ApiError("ConflictException", f"A human loop named {name} exists with another input.", 409)
            if known:
                return {"HumanLoopArn": known.arn}
            loop = HumanLoop(name, self._context.arn(f"human-loop/{name}"), flow.arn, flow.version, content, now())
            self._loops[name] = loop
            if flow.version not in self._used:
                self._work_on(flow, [])
            self._of_flow[flow.version].append(loop)
        self._portal.wake()
        return {"HumanLoopArn": loop.arn}

    def _loop(self, request: dict[str, Any]) -> HumanLoop:
        self._portal.settle()
        try:
            return self._loops[request["HumanLoopName"]]
        except KeyError:
            message = f"Could not find human loop {request['HumanLoopName']}."
            raise ApiError("ResourceNotFoundException", message, 404) from None

    def describe_human_loop(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the state of a human loop, with all answers given so far."""
        loop = self._loop(request)
        return {
            **_summary(loop),
            "HumanLoopArn": loop.arn,
            "FailureCode": loop.failure_code,
            "HumanLoopOutput": {"OutputS3Uri": loop.output} if loop.output else None,
        }

    def list_human_loops(self, request: dict[str, Any]) -> dict[str, Any]:
        """List the human loops of a flow definition by creation time."""
        self._portal.settle()
        arn = request["FlowDefinitionArn"]
        if self._flows.by_arn(arn) is None and not any(flow.arn == arn for flow in self._used.values()):
            raise ApiError("ResourceNotFoundException", f"Could not find flow definition {arn}.", 404)
        found = [
            loop
            for loop in self._loops.values()
            if loop.flow == arn and within(request, loop.created, "CreationTimeAfter", "CreationTimeBefore")
        ]
        ordered = in_order(found, request, {"CreationTime": lambda loop: loop.created}, "Descending")
        return page([_summary(loop) for loop in ordered], request, "HumanLoopSummaries", default=100)

    def stop_human_loop(self, request: dict[str, Any]) -> dict[str, Any]:
        """Stop a human loop; it has no output then."""
        loop = self._loop(request)
        if loop.status != "InProgress":
            raise invalid(f"The human loop {loop.name} is in status {loop.status}: only loops in progress are stopped.")
        loop.status = "Stopping"
        self._portal.wake()
        return {}

    def delete_human_loop(self, request: dict[str, Any]) -> dict[str, Any]:
        """Delete a human loop that has ended; its output stays in S3."""
        loop = self._loop(request)
        if loop.status in RUNNING:
            raise invalid(f"The human loop {loop.name} is in status {loop.status}: stop it first.")
        del self._loops[loop.name]
        self._of_flow[loop.version].remove(loop)
        return {}


def _summary(loop: HumanLoop) -> dict[str, Any]:
    return {
        "HumanLoopName": loop.name,
        "HumanLoopStatus": loop.status,
        "CreationTime": loop.created,
        "FailureReason": loop.failure,
        "FlowDefinitionArn": loop.flow,
    }
