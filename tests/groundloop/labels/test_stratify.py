"""Each part gets its share of every class and of the negatives; groups stay whole."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundloop.labels.split import HashSplit, Split, digest
from groundloop.labels.stratify import stratified

SHARES = HashSplit(0.2, 0.2, seed=1)


Members = list[tuple[int, set[str]]]


def image(number: int, *classes: str) -> tuple[int, set[str]]:
    return digest(f"s3://b/{number}.jpg", 1), set(classes)


def count(members: Members, parts: dict[int, Split], name: str | None) -> dict[Split, int]:
    """Images per part that show a class; None: negatives."""
    shown = [parts[group] for group, names in members if (name in names if name else not names)]
    return {part: shown.count(part) for part in Split}


def test_a_rare_class_reaches_every_part() -> None:
    """By hash it often misses one: with five images and a test share of a fifth, every third time."""
    members = [image(n, "common") for n in range(95)] + [image(n, "rare", "common") for n in range(95, 100)]
    for seed in range(20):
        members = [(digest(str(key), seed), names) for key, names in members]
        parts = stratified(members, SHARES)
        assert count(members, parts, "rare") == {Split.TRAIN: 3, Split.VALIDATION: 1, Split.TEST: 1}


def test_negatives_are_shared_out_too() -> None:
    members = [image(n, "cat") for n in range(80)] + [image(n) for n in range(80, 100)]
    parts = stratified(members, SHARES)
    assert count(members, parts, None) == {Split.TRAIN: 12, Split.VALIDATION: 4, Split.TEST: 4}


def test_shares_hold_for_classes_that_mix() -> None:
    chance = random.Random(2)  # noqa: S311
    names = {"a": 0.5, "b": 0.2, "c": 0.05}
    members = [image(n, *(name for name, share in names.items() if chance.random() < share)) for n in range(1000)]
    parts = stratified(members, SHARES)
    for name in (*names, None):
        found = count(members, parts, name)
        assert found[Split.TEST] / sum(found.values()) == pytest.approx(0.2, abs=0.03)
        assert found[Split.VALIDATION] / sum(found.values()) == pytest.approx(0.2, abs=0.03)


def test_a_group_stays_whole() -> None:
    members: Members = [(digest(f"clip-{n // 10}", 1), {"cat"}) for n in range(200)]
    parts = stratified(members, SHARES)
    assert set(parts) == {digest(f"clip-{n}", 1) for n in range(20)}
    assert Counter(parts.values()) == {Split.TRAIN: 12, Split.VALIDATION: 4, Split.TEST: 4}


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 12), st.sets(st.sampled_from("abcd"))), max_size=60),
    st.randoms(use_true_random=False),
)
def test_every_group_gets_one_part_whatever_the_order(
    drawn: list[tuple[int, set[str]]], shuffler: random.Random
) -> None:
    members: Members = [(digest(f"g{group}", 1), classes) for group, classes in drawn]
    parts = stratified(members, SHARES)
    assert set(parts) == {group for group, _ in members}
    shuffler.shuffle(members)
    assert stratified(members, SHARES) == parts
