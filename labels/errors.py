"""The one error that means: the user can put this right."""

from __future__ import annotations


class UserError(Exception):
    """A mistake in what the user gave: its text is one clear line saying what is wrong, where, and what to do.

    The command line and the jobs print it without a traceback and end with exit code 1.
    """
