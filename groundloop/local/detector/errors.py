"""The one error of the stand-in: what ends a job with a reason instead of a traceback."""

from __future__ import annotations


class StandInError(Exception):
    """A mistake in what the job was given. The text is what stands in output/failure: what, where, what to do."""
