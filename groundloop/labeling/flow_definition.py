"""Requests for A2I's human review workflows: the worker task template and the flow definition.

Source: API reference, `CreateHumanTaskUi` and `CreateFlowDefinition`. A flow for a custom task type has no
`HumanLoopRequestSource` and no activation conditions: whoever starts the loops decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from groundloop.errors import UserError
from groundloop.labeling.job_request import HumanTask, as_tags, check_workteam, human_task_members, raise_problems
from groundloop.spec.request_problems import request_problems

_NAME_LIMIT = 63
_MAX_WORKERS = 3
_TEMPLATE = "HumanLoopConfig.HumanTaskUiArn"
_DIGITS = 8


def human_task_ui_request(flow: str, template: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of CreateHumanTaskUi; another template gets another name.

    Args:
        flow: name of the flow definition.
        template: content.
        tags: of the resource.

    Raises:
        UserError: AWS would refuse the request.
    """
    digest = hashlib.sha256(template.encode()).hexdigest()[:_DIGITS]
    name = f"{flow[: _NAME_LIMIT - _DIGITS - 1].rstrip('-')}-{digest}"
    request: dict[str, Any] = {"HumanTaskUiName": name, "UiTemplate": {"Content": template}}
    if tags:
        request["Tags"] = as_tags(tags)
    raise_problems(f"flow definition {flow!r}", request_problems("CreateHumanTaskUi", request))
    return request


def flow_definition_request(
    name: str,
    task: HumanTask,
    role: str,
    output_uri: str,
    *,
    kms_key: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the arguments of CreateFlowDefinition, checked against the API's model, all but the template's ARN.

    That is HumanLoopConfig.HumanTaskUiArn, which AWS makes: `flows.create_flow` adds it.

    Args:
        name: of the flow definition: lower case letters, digits and inner hyphens.
        task: what workers are asked.
        role: ARN of the role that A2I assumes.
        output_uri: S3 prefix; loops write below `<prefix>/<name>/`.
        kms_key: encrypts the output.
        tags: of the resource.

    Raises:
        UserError: AWS would refuse the request.
    """
    check_workteam(task.workteam)
    if task.workers > _MAX_WORKERS:
        raise UserError(f"human loops take up to {_MAX_WORKERS} workers per image; labeling.workers is {task.workers}")
    request: dict[str, Any] = {
        "FlowDefinitionName": name,
        "HumanLoopConfig": {**human_task_members(task), "TaskCount": task.workers},
        "OutputConfig": {"S3OutputPath": output_uri, **({"KmsKeyId": kms_key} if kms_key else {})},
        "RoleArn": role,
    }
    if tags:
        request["Tags"] = as_tags(tags)
    problems = request_problems("CreateFlowDefinition", request)
    raise_problems(f"flow definition {name!r}", [one for one in problems if one != f"{_TEMPLATE} is missing"])
    return request
