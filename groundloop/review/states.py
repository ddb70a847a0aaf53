"""The states of a task, as far as giving it out is concerned."""

from __future__ import annotations

from enum import IntEnum

from groundloop.review.wire import Outcome


class State(IntEnum):
    """Whether a task waits for an answer; the lower, the sooner it is given out.

    Attributes:
        OPEN: nobody has answered it.
        SECOND_OPINION: the last word was `unsure` or `skip`: another reviewer may answer it.
        DONE: it has an answer.
    """

    OPEN = 0
    SECOND_OPINION = 1
    DONE = 2


def state_after(outcome: Outcome) -> State:
    """Return the state of a task whose answer has an outcome."""
    return State.SECOND_OPINION if outcome in (Outcome.UNSURE, Outcome.SKIP) else State.DONE
