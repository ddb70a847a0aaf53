"""A few thousand damaged lines through everything that Prepare does with them; the long run is in benchmarks."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def fuzz() -> ModuleType:
    path = Path(__file__).parents[3] / "benchmarks" / "fuzz_manifest.py"
    spec = importlib.util.spec_from_file_location("fuzz_manifest", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_damaged_lines_are_never_lost_and_none_crashes(fuzz: ModuleType, seed: int) -> None:
    chooser = fuzz.seeded(seed)
    valid = fuzz.samples(chooser)
    outcomes = fuzz.use([fuzz.mutate(chooser.choice(valid), chooser) for _ in range(1500)])
    assert outcomes.total() == 1500
    kinds = {outcome.split()[0] for outcome in outcomes}
    assert kinds >= {"labelled", "negative", "unlabelled", "failed", "rejected"}, "the damage reaches every outcome"


def test_undamaged_samples_are_sound(fuzz: ModuleType) -> None:
    valid = fuzz.samples(fuzz.seeded(5))
    outcomes = fuzz.use(valid)
    assert {outcome for outcome in outcomes if outcome.startswith("rejected")} == {
        "rejected   ERROR_UNSUPPORTED_USE_CASE_TYPE"
    }, "the video lines, and only they"
