"""What a check found: one line, how bad it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(str, Enum):
    """How bad a finding is; an error, and a setting that is missing, mean that the pipeline can't run."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    MISSING = "missing"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class AccountFinding:
    """One line of the examination; `remedy` is empty when there is nothing to do."""

    check: str
    level: Level
    text: str
    remedy: str = ""


def ok(check: str, text: str) -> AccountFinding:
    """Report a check that passed."""
    return AccountFinding(check, Level.OK, text)


def warning(check: str, text: str, remedy: str = "") -> AccountFinding:
    """Report a problem that does not stop a run."""
    return AccountFinding(check, Level.WARNING, text, remedy)


def error(check: str, text: str, remedy: str) -> AccountFinding:
    """Report a problem that stops a run."""
    return AccountFinding(check, Level.ERROR, text, remedy)


def missing(check: str, key: str, remedy: str) -> AccountFinding:
    """Report a required setting that is not set."""
    return AccountFinding(check, Level.MISSING, f"{key} is not set", remedy)


def not_checked(check: str, because: str) -> AccountFinding:
    """Report a check that was skipped, and why."""
    return AccountFinding(check, Level.SKIPPED, f"not checked because {because}")


def unverified(check: str, what: str, why: str, remedy: str = "") -> AccountFinding:
    """Report a warning: AWS was asked and cannot, or may not, tell."""
    return warning(check, f"unverified: {what} ({why})", remedy)
