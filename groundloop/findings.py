"""What every kind of finding has in common."""

from __future__ import annotations

from enum import Enum


class Severity(str, Enum):
    """How bad a finding is.

    An error keeps a line out of training, or a definition from running; a warning is only reported.
    """

    ERROR = "error"
    WARNING = "warning"
