"""The errors that a user can resolve."""

from __future__ import annotations


class UserError(Exception):
    """A mistake in what the user gave: its text says in one clear line what is wrong, where, and what to do.

    The command line and the jobs print it without a traceback and end with exit code 1.

    Attributes:
        lines: the text; more than one where several mistakes are reported at once.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class ConfigError(UserError):
    """The configuration is wrong; the text names file, line, key, value and what would be right."""
