"""How the images of a queue are chosen: the options of the commands, over the settings of `review.select`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from groundloop.review.effort import Effort
    from groundloop.review.selection import Selection
    from pipeline.config.review import SelectSettings


@dataclass(frozen=True)
class SelectionOptions:
    """The options of the commands that choose images; None takes the setting."""

    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", "-n", min=1, metavar="N", help="Maximum number of images; default: review.select.images."
        ),
    ] = None
    by: Annotated[
        str | None,
        typer.Option(metavar="CRITERION", help="expected_mistakes, condition or random; default: review.select.by."),
    ] = None
    conditions: Annotated[
        list[str] | None,
        typer.Option("--condition", metavar="CONDITION", help="Such as 'top_score < 0.5'; repeatable; any is enough."),
    ] = None
    audit: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="Share drawn at random, half of it shown without boxes; default: review.select.audit.",
        ),
    ] = None
    per_group: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Maximum number of images of one prepare.split.group; default: review.select.per_group.",
        ),
    ] = None
    per: Annotated[
        str | None,
        typer.Option(
            metavar="UNIT",
            help="Prefer most expected mistakes per image, or per second of effort; default: review.select.per.",
        ),
    ] = None
    keep_near_copies: Annotated[
        bool, typer.Option("--keep-near-copies", help="Choose images that are nearly the same too.")
    ] = False

    def near_copy_bits(self, settings: SelectSettings) -> int | None:
        """Return the difference of hashes up to which images are near copies; None to choose near copies too."""
        return None if self.keep_near_copies else settings.near_copies

    def check(self, settings: SelectSettings, classes: Sequence[str]) -> None:
        """Check how images are chosen, before time is spent on them; the arguments are those of `selection`.

        Raises:
            UserError: a condition is not understood, or the options don't go together.
        """
        from groundloop.review.effort import Effort

        self.selection(settings, classes, Effort())

    def selection(self, settings: SelectSettings, classes: Sequence[str], effort: Effort) -> Selection:
        """Return how images are chosen.

        Args:
            settings: what holds where an option was not given.
            classes: names that conditions may have.
            effort: how long an image takes.

        Raises:
            UserError: a condition is not understood, or the options don't go together.
        """
        from groundloop.review.conditions import parse_condition
        from groundloop.review.selection import Selection

        by = self.by or ("condition" if self.conditions else settings.by)
        conditions = self.conditions or (settings.conditions if by == "condition" else [])
        return Selection(
            images=self.limit or settings.images,
            by=by,
            conditions=tuple(parse_condition(text, tuple(classes)) for text in conditions),
            audit=settings.audit if self.audit is None else self.audit,
            per_group=self.per_group or settings.per_group,
            per=self.per or settings.per,
            effort=effort,
        )
