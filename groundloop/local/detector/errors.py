"""The error of the stand-in, which ends a job with a reason instead of a traceback."""

from __future__ import annotations


class StandInError(Exception):
    """A mistake in the input of a job. The message goes to output/failure: what is wrong, where, what to do."""
