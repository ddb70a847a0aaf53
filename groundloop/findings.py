"""The part that all kinds of findings have in common."""

from __future__ import annotations

from enum import Enum


class Severity(str, Enum):
    """The severity of a finding.

    An error keeps a line out of training, or a definition from running; a warning is only reported.
    """

    ERROR = "error"
    WARNING = "warning"
