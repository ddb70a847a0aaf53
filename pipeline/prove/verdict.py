"""Assumptions on AWS and the verdicts on them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Outcome(str, Enum):
    """What became of an assumption."""

    HELD = "held"
    BROKE = "broke"
    NOT_TRIED = "not tried"


@dataclass(frozen=True)
class Assumption:
    """A statement on AWS that the project relies on and that only AWS can settle.

    Attributes:
        id: name for `--only`, reports and issues; it never changes its meaning.
        statement: what is assumed.
        matters: what goes wrong when it doesn't hold.
        test: how it is tested.
        source: the pages of AWS's documentation that speak of it.
    """

    id: str
    statement: str
    matters: str
    test: str
    source: str


@dataclass(frozen=True)
class Verdict:
    """The outcome of one assumption.

    Attributes:
        text: what was seen, or why it was not tried.
        words: AWS's own words, unchanged; empty when it gave none.
    """

    assumption: str
    outcome: Outcome
    text: str
    words: str = ""


def held(assumption: Assumption, text: str) -> Verdict:
    """Return the verdict that an assumption holds, with what was seen."""
    return Verdict(assumption.id, Outcome.HELD, text)


def broke(assumption: Assumption, text: str, words: str = "") -> Verdict:
    """Return the verdict that an assumption does not hold, with AWS's words."""
    return Verdict(assumption.id, Outcome.BROKE, text, words)


def not_tried(assumption: Assumption, why: str, words: str = "") -> Verdict:
    """Return the verdict that nothing is known of an assumption, and why."""
    return Verdict(assumption.id, Outcome.NOT_TRIED, why, words)


class NotTriedError(Exception):
    """A trial can't go on, which says nothing of its assumptions.

    Args:
        why: what keeps it from going on.
        words: AWS's own words; empty when it gave none.
    """

    def __init__(self, why: str, words: str = "") -> None:
        super().__init__(why)
        self.words = words
