"""Flow definitions and human loops in an account: create, start, list, stop and delete them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, error_message, is_not_found, poll_seconds
from groundloop.errors import UserError
from groundloop.s3 import error_code

_SAGEMAKER, _RUNTIME = "sagemaker", "sagemaker-a2i-runtime"
_WAIT_SECONDS = 300
RUNNING = frozenset({"InProgress", "Stopping"})
#: What the failure codes of a human loop mean.
FAILURES = {
    "Expired": "nobody answered in time (labeling.availability_days)",
    "ValidationError": "A2I refused the loop's input, or can't read the image: the bucket needs a CORS rule, the role "
    "s3:GetObject",
    "InternalError": "a fault of the service: start the loop again",
    "CustomerError": "A2I can't use the image or the output's bucket with the flow's role",
}
_NO_NEW_CUSTOMERS = (
    "A2I takes no new customers: an account that has not used it before can't create flow definitions. groundloop "
    "review does the same work without it"
)


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow definition.

    Attributes:
        name, arn, status: the status is the API's.
        output_uri: S3 prefix of its loops' outputs, with the flow's own folder.
        workers: answers per image.
        workteam: ARN of those who answer.
        failure: the reason in AWS's words; "" for none.
    """

    name: str
    arn: str
    status: str
    output_uri: str
    workers: int
    workteam: str
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Loop:
    """A human loop.

    Attributes:
        name, status: the status is the API's.
        created: when it was started.
        failure: the reason in AWS's words; "" for none.
    """

    name: str
    status: str
    created: datetime
    failure: str = ""


def create_flow(region: str, ui_request: dict[str, Any], flow_request: dict[str, Any]) -> Flow:
    """Create a template and a flow definition with it, and wait until the flow is active.

    Args:
        region: AWS region.
        ui_request: of `human_task_ui_request`; a template of that name is used as it is.
        flow_request: of `flow_definition_request`.

    Raises:
        UserError: there is a flow of that name, the account can't have any, or it failed.
    """
    sagemaker, name = client(_SAGEMAKER, region), flow_request["FlowDefinitionName"]
    try:
        flow_request["HumanLoopConfig"]["HumanTaskUiArn"] = _human_task_ui(sagemaker, ui_request)
        sagemaker.create_flow_definition(**flow_request)
    except ClientError as error:
        code = error_code(error)
        if code in {"ResourceInUse", "ConflictException"}:
            raise UserError(f"there is a flow definition {name!r} already: groundloop a2i status {name}") from None
        hint = f"; {_NO_NEW_CUSTOMERS}" if code.startswith("AccessDenied") else ""
        raise UserError(f"AWS refused {error.operation_name}: {code}: {error_message(error)}{hint}") from None
    until = time.monotonic() + _WAIT_SECONDS
    while (flow := find_flow(region, name)).status == "Initializing" and time.monotonic() < until:
        time.sleep(poll_seconds(2))
    if flow.status != "Active":
        raise UserError(f"flow definition {name!r} is {flow.status}: {flow.failure or 'not active after 5 minutes'}")
    return flow


def _human_task_ui(sagemaker: Any, request: dict[str, Any]) -> str:
    """Return the ARN of a template, which its name identifies with its content."""
    try:
        return str(sagemaker.create_human_task_ui(**request)["HumanTaskUiArn"])
    except ClientError as error:
        if error_code(error) not in {"ResourceInUse", "ConflictException"}:
            raise
    return str(sagemaker.describe_human_task_ui(HumanTaskUiName=request["HumanTaskUiName"])["HumanTaskUiArn"])


def find_flow(region: str, name: str) -> Flow:
    """Return a flow definition.

    Raises:
        UserError: there is none of that name.
    """
    try:
        answer = client(_SAGEMAKER, region).describe_flow_definition(FlowDefinitionName=name)
    except ClientError as error:
        if is_not_found(error):
            raise UserError(
                f"there is no flow definition {name!r} in {region}: groundloop a2i create {name} makes it"
            ) from None
        raise
    config = answer.get("HumanLoopConfig", {})
    return Flow(
        name=name,
        arn=answer["FlowDefinitionArn"],
        status=answer["FlowDefinitionStatus"],
        output_uri=f"{answer['OutputConfig']['S3OutputPath'].rstrip('/')}/{name}/",
        workers=config.get("TaskCount", 1),
        workteam=config.get("WorkteamArn", ""),
        failure=answer.get("FailureReason", ""),
    )


def start_loops(region: str, requests: Iterable[dict[str, Any]], known: Collection[str]) -> tuple[int, int]:
    """Start human loops; those that were started before stay as they are.

    Args:
        region: AWS region.
        requests: of `start_loop_request`.
        known: names of the loops that there are, or were: a deleted one would be started, and answered, again.

    Returns:
        How many were started, and how many were known.
    """
    runtime = client(_RUNTIME, region)
    started = total = 0
    for request in requests:
        total += 1
        if request["HumanLoopName"] in known:
            continue
        try:
            runtime.start_human_loop(**request)
            started += 1
        except ClientError as error:
            if error_code(error) != "ConflictException":  # started at this moment by somebody else
                raise
    return started, total - started


def loops(region: str, flow: Flow) -> Iterator[Loop]:
    """Yield the human loops of a flow, the newest first; deleted ones are not among them."""
    pages = client(_RUNTIME, region).get_paginator("list_human_loops")
    for page in pages.paginate(FlowDefinitionArn=flow.arn, SortOrder="Descending"):
        for one in page["HumanLoopSummaries"]:
            yield Loop(one["HumanLoopName"], one["HumanLoopStatus"], one["CreationTime"], one.get("FailureReason", ""))


def failure_code(region: str, name: str) -> str:
    """Return the code with which a human loop failed; "" when it has none."""
    return str(client(_RUNTIME, region).describe_human_loop(HumanLoopName=name).get("FailureCode", ""))


def stop_loops(region: str, names: Iterable[str]) -> int:
    """Stop human loops; return how many were running still."""
    return _count_found(names, client(_RUNTIME, region).stop_human_loop)


def delete_loops(region: str, names: Iterable[str]) -> int:
    """Delete human loops, whose outputs stay in S3; return how many there were."""
    return _count_found(names, client(_RUNTIME, region).delete_human_loop)


def _count_found(names: Iterable[str], act: Callable[..., Any]) -> int:
    """Call an operation on human loops; return how many there were, as others may have ended or been deleted since."""
    found = 0
    for name in names:
        try:
            act(HumanLoopName=name)
            found += 1
        except ClientError as error:
            if not is_not_found(error):
                raise
    return found
