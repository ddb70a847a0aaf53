"""What the review server can find wrong with a request: a code that stays the same, the English text, and its values.

The page shows the text in the reader's language (`page/errors.ja.json`) by the code; other clients get English.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: English texts by code, with `{names}` for what varies.
TEXTS: Mapping[str, str] = {
    "invitation_invalid": "the invitation is not valid (any more): ask for a new link",
    "no_session": "there is no session: open your invitation link again",
    "wrong_address": "this address is not the server's: open the link that it printed",
    "foreign_page": "another page sent this request: open the link that the server printed",
    "request_unreadable": "the request can't be read: {reason}",
    "request_too_large": "the request is larger than {limit} bytes",
    "content_type": "the request's Content-Type has to be application/json",
    "header_missing": "the request lacks the header X-Groundloop: 1",
    "nothing_here": "there is nothing at this address",
    "method": "this address does not take that method",
    "server_failed": "the server failed; what you have answered is kept on the page and sent again",
    "queue_failed": "{reason}",
    "queue_finished": "{title} is finished: its output is written, and takes no more answers",
    "task_unknown": "the queue has no task {task}: reload the page",
    "image_unknown": "the queue has no such image: reload the page",
    "image_unusable": "{reason}",
    "answer_client_id": "client_id has to be a UUID",
    "answer_seconds": "seconds has to be a number from 0 on",
    "answer_too_many_boxes": "the answer has {boxes} boxes; at most {limit} are possible",
    "answer_no_boxes": "the outcome {outcome} has no boxes: send an empty list",
    "answer_long_comment": "the comment is longer than {limit} characters: shorten it",
    "box_class": "box {box} has the class id {class_id}; the ids go from 0 to {last}",
    "box_empty": "box {box} is {width} x {height} pixels; at least 1 x 1 is needed",
    "box_outside": "box {box} leaves the image of {width} x {height} pixels: move it inside",
}


@dataclass(frozen=True)
class Problem:
    """One problem.

    Attributes:
        code: a key of `TEXTS`.
        values: what its text names.

    Example:
        >>> Problem("task_unknown", {"task": 7}).text
        'the queue has no task 7: reload the page'
    """

    code: str
    values: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """What is wrong, in English."""
        return TEXTS[self.code].format(**self.values)


class ProblemError(Exception):
    """A request that gets a problem as its response.

    Args:
        status: of the response.
        problem: what is wrong.
    """

    def __init__(self, status: int, problem: Problem) -> None:
        super().__init__(problem.text)
        self.status, self.problem = status, problem
