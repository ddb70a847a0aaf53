"""The errors that a user can resolve."""

from __future__ import annotations


class UserError(Exception):
    """A mistake in what the user gave: its text is one clear line saying what is wrong, where, and what to do.

    The command line and the jobs print it without a traceback and end with exit code 1.
    """


class ConfigError(UserError):
    """The configuration is wrong; the text names file, line, key, value and what would be right."""
