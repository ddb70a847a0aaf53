from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundloop.errors import UserError
from groundloop.labels.split import HashSplit, Split, digest, shuffled

REFS = st.text(min_size=1, max_size=20).map(lambda key: f"s3://b/{key}")


@settings(deadline=None)
@given(st.lists(REFS, unique=True), st.lists(REFS, unique=True), st.integers())
def test_adding_images_moves_no_other(old: list[str], new: list[str], seed: int) -> None:
    split = HashSplit(0.2, 0.1, seed)
    before = {ref: split(ref) for ref in old}
    after = {ref: split(ref) for ref in sorted({*old, *new})}
    assert {ref: after[ref] for ref in old} == before


@settings(deadline=None)
@given(REFS, st.integers(), st.floats(0.01, 0.4), st.floats(0.01, 0.4))
def test_another_validation_share_moves_nothing_in_or_out_of_test(
    ref: str, seed: int, one: float, other: float
) -> None:
    in_test = {HashSplit(share, 0.3, seed)(ref) is Split.TEST for share in (one, other)}
    assert len(in_test) == 1


def test_the_same_digest_on_every_machine_and_release() -> None:
    assert digest("s3://bucket/a.jpg", 1) == 2033094887935774302


@pytest.mark.parametrize("key", [0, 2**64 - 1], ids=["lowest", "highest"])
def test_every_digest_has_a_split(key: int) -> None:
    assert HashSplit(0.3, 0.3).of(key) is (Split.TRAIN if key else Split.TEST)


@given(st.lists(st.integers(0, 2**64 - 1), unique=True, max_size=30), st.data())
def test_the_order_of_images_stays_when_others_come_or_go(keys: list[int], data: st.DataObject) -> None:
    every = shuffled(keys, range(len(keys)), seed=4)
    assert sorted(every) == list(range(len(keys)))
    some = data.draw(st.sets(st.sampled_from(every))) if every else set()
    assert shuffled(keys, some, seed=4) == [index for index in every if index in some]


def test_another_seed_gives_another_order() -> None:
    keys = [digest(str(number), 0) for number in range(100)]
    assert len({tuple(shuffled(keys, range(100), seed)) for seed in range(5)}) == 5


def test_shares_are_near_what_was_asked() -> None:
    split = HashSplit(0.2, 0.1, seed=3)
    counts = Counter(split(f"s3://b/{n}.jpg") for n in range(5000))
    assert counts[Split.TEST] / 5000 == pytest.approx(0.1, abs=0.02)
    assert counts[Split.VALIDATION] / 5000 == pytest.approx(0.2, abs=0.02)


def test_another_seed_gives_another_split() -> None:
    refs = [f"s3://b/{n}.jpg" for n in range(100)]
    assert [HashSplit(0.3, 0.3, 1)(ref) for ref in refs] != [HashSplit(0.3, 0.3, 2)(ref) for ref in refs]


@pytest.mark.parametrize(
    ("validation", "test", "message"),
    [
        pytest.param(0, 0.1, "validation fraction is 0", id="no validation"),
        pytest.param(0.1, 0, "test fraction is 0", id="no test"),
        pytest.param(0.1, 1.5, "test fraction is 1.5", id="more than all"),
        pytest.param(float("nan"), 0.1, "validation fraction is nan", id="not a number"),
        pytest.param(0.5, 0.5, "leave nothing for train", id="nothing left"),
    ],
)
def test_fractions_that_leave_a_split_empty_are_refused(validation: float, test: float, message: str) -> None:
    with pytest.raises(UserError, match=message):
        HashSplit(validation, test)
