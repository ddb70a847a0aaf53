"""Splitting by hash: an image's split depends on its name and the seed only, so adding images moves no other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum

from labels.errors import UserError


class Split(str, Enum):
    """The three parts of a data set."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


def position(source_ref: str, seed: int) -> float:
    """A stable pseudo-random number in [0, 1) for one image: BLAKE2b of seed and URI, read as a 64-bit fraction."""
    digest = hashlib.blake2b(f"{seed}:{source_ref}".encode(), digest_size=8).digest()
    # 53 bits are what a float holds exactly: all 64 could round up to 1.0.
    return (int.from_bytes(digest, "big") >> 11) / 2**53


@dataclass(frozen=True, slots=True)
class HashSplit:
    """Fractions of the images that go to validation and test; train gets the rest.

    The test split takes the lowest positions, so changing the validation fraction moves no image in or out of test.

    Raises:
        UserError: when a fraction is not in (0, 1) or nothing is left for train.
    """

    validation_fraction: float
    test_fraction: float
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in (("validation", self.validation_fraction), ("test", self.test_fraction)):
            if not 0 < value < 1:
                raise UserError(f"the {name} fraction is {value}: give a number between 0 and 1, such as 0.15")
        if self.validation_fraction + self.test_fraction >= 1:
            raise UserError(
                f"validation fraction {self.validation_fraction} and test fraction {self.test_fraction} leave nothing "
                "for train: their sum must be below 1"
            )

    def __call__(self, source_ref: str) -> Split:
        place = position(source_ref, self.seed)
        if place < self.test_fraction:
            return Split.TEST
        if place < self.test_fraction + self.validation_fraction:
            return Split.VALIDATION
        return Split.TRAIN
