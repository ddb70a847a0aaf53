"""The output of label verification jobs, in which workers say whether the labels of an image are right.

The page has no form for that. Its stand-in: the first category is the verdict on boxes that are accepted as they are
shown, the second on boxes that are changed. Shape of the label: SageMaker developer guide, "Label verification job
output".
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from groundloop.labels.formats.answer_content import answer_json
from groundloop.labels.worker_answers import WorkerAnswer
from groundloop.local.portal.job_output import creation_date, is_adjusted
from groundloop.review.queue import NewTask

VERIFICATION_TYPE = "groundtruth/label-verification"


def instructions(categories: Sequence[str]) -> str:
    """Return what the page says of the categories."""
    right, wrong = categories
    return f"Accept the boxes as they are for {right!r}; change any of them for {wrong!r}. The change is not kept."


@dataclass(frozen=True, slots=True)
class VerdictOutput:
    """The output of a verification job.

    Attributes:
        job: name.
        categories: two: what right labels are called, and wrong ones.
        classes: names of the classes of the labels that are verified, in the order of their ids in the queue.
        element: name of the template's form element.
    """

    job: str
    categories: Sequence[str]
    classes: Sequence[str]
    element: str

    def worker_response(self, task: NewTask, answers: Sequence[WorkerAnswer]) -> bytes:
        """Return the content of the file of worker responses."""
        written = [
            {**answer_json(answer, self.element), "answerContent": self.answer_content(task, answer)}
            for answer in answers
        ]
        return json.dumps({"answers": written}, ensure_ascii=False).encode()

    def answer_content(self, task: NewTask, answer: WorkerAnswer) -> dict[str, Any]:
        """Return one worker's answer as the form's fields."""
        comment = {"comment": answer.comment} if answer.comment else {}
        return {self.element: {"label": self.categories[self._verdict(task, answer)]}, **comment}

    def label(self, task: NewTask, answers: Sequence[WorkerAnswer], written: datetime) -> dict[str, Any]:
        """Return `label` and `metadata`: the verdict of most workers, the stricter one of equally many."""
        votes = Counter(self._verdict(task, answer) for answer in answers)
        verdict = max(votes, key=lambda one: (votes[one], one))
        metadata: dict[str, Any] = {
            "class-name": self.categories[verdict],
            "confidence": round(votes[verdict] / len(answers), 2) if len(answers) > 1 else 0,
            "type": VERIFICATION_TYPE,
            "human-annotated": "yes",
            "creation-date": creation_date(written),
            "job-name": f"labeling-job/{self.job}",
        }
        if comments := [{"comment": answer.comment} for answer in answers if answer.comment]:
            metadata["worker-feedback"] = comments
        return {"label": str(verdict), "metadata": metadata}

    def _verdict(self, task: NewTask, answer: WorkerAnswer) -> int:
        ids = {name: number for number, name in enumerate(self.classes)}
        return int(is_adjusted(task, answer.boxes, ids))
