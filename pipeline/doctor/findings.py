"""What a check found: one line, how bad it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(str, Enum):
    """How bad a finding is; only an error means that the pipeline can't run."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class AccountFinding:
    """One line of the examination; ``remedy`` is empty when there is nothing to do."""

    check: str
    level: Level
    text: str
    remedy: str = ""


def ok(check: str, text: str) -> AccountFinding:
    return AccountFinding(check, Level.OK, text)


def warning(check: str, text: str, remedy: str = "") -> AccountFinding:
    return AccountFinding(check, Level.WARNING, text, remedy)


def error(check: str, text: str, remedy: str) -> AccountFinding:
    return AccountFinding(check, Level.ERROR, text, remedy)


def not_checked(check: str, because: str) -> AccountFinding:
    return AccountFinding(check, Level.SKIPPED, f"not checked because {because}")


def unverified(check: str, what: str, why: str, remedy: str = "") -> AccountFinding:
    """A warning: AWS was asked and can't, or may not, tell."""
    return warning(check, f"unverified: {what} ({why})", remedy)
