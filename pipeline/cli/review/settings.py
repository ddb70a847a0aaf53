"""The configuration as the review commands read it: all of it for AWS, and its section `review` without an account."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.options import load, load_with_origins

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.config.review import ReviewSettings


class ReviewConfig:
    """The configuration that the options of a command name, read when it is first needed.

    Args:
        config: the files of `--config`.
        assignments: the texts of `--set`.
    """

    def __init__(self, config: list[Path] | None, assignments: list[str] | None) -> None:
        self._config = config
        self._assignments = assignments

    @cached_property
    def review(self) -> ReviewSettings:
        """The settings of reviews, which need neither a role nor a bucket."""
        return load_with_origins(self._config, self._assignments, incomplete=True).config.review

    @cached_property
    def _complete(self) -> Config:
        return load(self._config, self._assignments)

    def __call__(self) -> Config:
        """Return the whole configuration.

        Raises:
            ConfigError: it is not complete.
        """
        return self._complete
