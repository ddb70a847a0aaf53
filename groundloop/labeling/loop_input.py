"""The input of a human loop: the image, the boxes to begin with, and why a person is asked.

Source: SageMaker developer guide, "Create and start a human loop for a custom task type": `InputContent` is a JSON
string of the template author's own keys. `labels` and `initialValue` are those of our template.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from groundloop.errors import UserError
from groundloop.labeling.job_request import raise_problems
from groundloop.labels.review_key import REVIEW_KEY, review_value
from groundloop.review.queue import Model, NewTask
from groundloop.s3 import SCHEME
from groundloop.spec.request_problems import request_problems
from groundloop.spec.shapes import A2I_RUNTIME

_NAME_LIMIT = 63
_DIGITS = 16


def loop_input(task: NewTask, classes: Sequence[str], flow: str, model: Model | None = None) -> dict[str, Any]:
    """Return the input content of the human loop for an image that was chosen as for a review queue.

    Boxes under their class's threshold are left out: what a loop begins with is part of the answer, unless deleted.

    Args:
        task: the image, and what is shown.
        classes: names in id order.
        flow: name of the flow definition.
        model: whose boxes are shown.

    Raises:
        UserError: the image is not in S3.
    """
    if not task.source_ref.startswith(SCHEME):
        raise UserError(
            f"{task.source_ref} is not in S3, and A2I shows no other images: upload them, and give their S3 URI"
        )
    shown = [box for box in task.boxes if box.counted]
    return {
        "taskObject": task.source_ref,
        "labels": list(classes),
        "initialValue": [
            {
                "label": classes[box.class_id],
                "left": box.left,
                "top": box.top,
                "width": box.width,
                "height": box.height,
            }
            for box in shown
        ],
        "scores": [box.score for box in shown],
        "thresholds": {} if model is None else dict(model.thresholds),
        "why": list(task.why),
        REVIEW_KEY: review_value(
            queue=flow,
            selected_by=task.selected_by,
            shown=task.shown.value,
            split=task.split,
            model_package=None if model is None else model.package,
            expected_mistakes=task.expected_mistakes,
        ),
    }


def start_loop_request(flow_arn: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of StartHumanLoop.

    The name is made from flow and image, so that an image has one loop, whatever is shown on it and why.

    Args:
        flow_arn: of the flow definition.
        content: of `loop_input`.

    Raises:
        UserError: AWS would refuse the request.
    """
    text = msgspec.json.encode(content).decode()
    flow = flow_arn.rpartition("/")[2]
    digest = hashlib.sha256(f"{flow_arn}\0{content['taskObject']}".encode()).hexdigest()[:_DIGITS]
    request = {
        "HumanLoopName": f"{flow[: _NAME_LIMIT - _DIGITS - 1].rstrip('-')}-{digest}",
        "FlowDefinitionArn": flow_arn,
        "HumanLoopInput": {"InputContent": text},
    }
    raise_problems(f"human loop on {content['taskObject']}", request_problems("StartHumanLoop", request, A2I_RUNTIME))
    return request
