"""Splitting by hash: an image's split depends on its name and the seed only, so adding images moves no other."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from groundloop.errors import UserError

_ALL_BITS = 2**64 - 1


class Split(str, Enum):
    """The three parts of a data set."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


def digest(name: str, seed: int) -> int:
    """Return a stable pseudo-random number of 64 bits for one image or group: BLAKE2b of seed and name."""
    return digester(seed)(name)


def digester(seed: int) -> Callable[[str], int]:
    """Return `digest` for many names with one seed."""
    begin = hashlib.blake2b(f"{seed}:".encode(), digest_size=8).copy

    def of(name: str) -> int:
        """Return the split by the name's `digest`, read as a fraction."""
        state = begin()
        state.update(name.encode())
        return int.from_bytes(state.digest(), "big")

    return of


def shuffled(keys: Sequence[int], chosen: Iterable[int], seed: int) -> list[int]:
    """Order the chosen indices by their keys and the seed only: adding others moves none of them.

    Args:
        keys: `digest` by index. They are as good as random, so multiplying them is enough to mix them.
    """
    factor = digest("order", seed) | 1  # odd, so that different keys stay different
    return sorted(chosen, key=lambda index: (keys[index] * factor) & _ALL_BITS)


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

    def __call__(self, name: str) -> Split:
        """Return the split of an image or a group of images."""
        return self.of(digest(name, self.seed))

    def of(self, key: int) -> Split:
        """Return the split by the name's `digest`, read as a fraction."""
        # 53 bits are what a float holds exactly: all 64 could round up to 1.0.
        place = (key >> 11) / 2**53
        if place < self.test_fraction:
            return Split.TEST
        if place < self.test_fraction + self.validation_fraction:
            return Split.VALIDATION
        return Split.TRAIN
