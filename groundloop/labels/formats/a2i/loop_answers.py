"""The answers of human loops, worker by worker, as A2I keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import msgspec

from groundloop.errors import UserError
from groundloop.labels.formats.a2i.output_file import OUTPUT, human_loop
from groundloop.labels.formats.answer_content import ELEMENT, answer_json, check_comparable
from groundloop.labels.formats.answer_files import AnswerFiles, contents
from groundloop.labels.worker_answers import AnswerFinding, WorkerAnswer, WorkerAnswers


def is_output(name: str) -> bool:
    """Return whether a file is the output of a human loop, by its name."""
    return name == OUTPUT or name.endswith(f"/{OUTPUT}")


def loop_answers(files: AnswerFiles) -> WorkerAnswers:
    """Read the answers in every `output.json`, such as those below the S3OutputPath of a flow.

    Loops that ended without an answer have none. Files that can't be read are findings.
    """
    answers: list[WorkerAnswer] = []
    findings: list[AnswerFinding] = []
    names = files.names if len(files.names) == 1 else filter(is_output, files.names)
    for name, content in contents(files, names):
        try:
            if isinstance(content, UserError):
                raise content
            loop = human_loop(files.uri(name), content)
            for answer in loop.worker_answers:
                check_comparable(files.uri(name), answer)
        except UserError as error:
            findings.append(AnswerFinding(files.uri(name), str(error)))
        else:
            answers += loop.worker_answers
    return WorkerAnswers(tuple(answers), tuple(findings))


def output_json(
    flow_definition_arn: str,
    human_loop_name: str,
    input_content: Mapping[str, Any],
    answers: Sequence[WorkerAnswer],
    element: str = ELEMENT,
) -> bytes:
    """Return the `output.json` of a human loop.

    Args:
        flow_definition_arn: of the flow that the loop belongs to.
        human_loop_name: of the loop.
        input_content: the loop's input, as it was started with.
        answers: of its workers; all have boxes, or none as a negative.
        element: name of the `crowd-bounding-box` in the flow's template.

    Raises:
        ValueError: an answer has another outcome.
    """
    return msgspec.json.encode(
        {
            "flowDefinitionArn": flow_definition_arn,
            "humanAnswers": [answer_json(answer, element) for answer in answers],
            "humanLoopName": human_loop_name,
            "inputContent": input_content,
        }
    )


def output_key(flow: str, created: datetime, human_loop_name: str) -> str:
    """Return where the output of a loop lies below the flow's S3OutputPath.

    Args:
        flow: name of the flow definition.
        created: when the loop was started.
        human_loop_name: of the loop.

    Example:
        >>> output_key("review", datetime(2026, 11, 21, 16, 20, 31, tzinfo=timezone.utc), "loop-1")
        'review/2026/11/21/16/20/31/loop-1/output.json'
    """
    time = created.astimezone(timezone.utc)
    return f"{flow}/{time:%Y/%m/%d/%H/%M/%S}/{human_loop_name}/{OUTPUT}"
