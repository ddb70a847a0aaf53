"""A few hundred damaged files through every reader; the long run is `make fuzz`."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.fuzz.reader import Target
from benchmarks.fuzz.targets import TARGETS
from benchmarks.fuzz.worker import Outcome, damaged_files, read_input, target_of
from benchmarks.fuzz_readers import faults

SEED = 11
PARTS = 4
INPUTS_OF_A_PART = 50


@pytest.mark.parametrize("part", range(PARTS))
def test_damaged_input_ends_in_a_finding_or_one_line(part: int) -> None:
    for index in range(part * INPUTS_OF_A_PART, (part + 1) * INPUTS_OF_A_PART):
        outcome = read_input(index, SEED)
        name = target_of(index, SEED).name
        assert not outcome.error, f"input {index}, {name}: {outcome.error}"
        assert outcome.code in (0, 1, 2), f"input {index}, {name}"
        assert not outcome.unsafe, f"input {index}, {name}"


def test_the_same_seed_gives_the_same_input() -> None:
    assert [damaged_files(index, SEED) for index in range(20)] == [damaged_files(index, SEED) for index in range(20)]
    assert damaged_files(0, SEED) != damaged_files(0, SEED + 1)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_undamaged_files_are_read(target: Target, tmp_path: Path) -> None:
    """Damage to files that were wrong before would show nothing."""
    from benchmarks.fuzz import samples

    samples.write(tmp_path, target.files())
    code: object = 0
    try:
        target.read(tmp_path, 2)
    except SystemExit as end:
        code = end.code or 0
    # A definition of another tool has findings, and a value of --set is wrong by itself.
    assert code == 0 or "definition" in target.name or "check" in target.name or "--set" in target.name


@pytest.mark.parametrize(
    ("outcome", "found"),
    [
        (Outcome(1, 1, 0.1, 100, "", ()), []),
        (Outcome(1, -1, 0.1, 100, "Traceback ...", ()), ["tracebacks"]),
        (Outcome(1, 3, 0.1, 100, "", ()), ["exit codes other than 0, 1 and 2"]),
        (Outcome(1, -1, 60.1, 0, "", ()), ["over 10 s"]),
        (Outcome(1, 0, 0.1, 501, "", ()), ["over 500 MB"]),
        (Outcome(1, 0, 0.1, 100, "", ("\x1b",)), ["control characters in the output"]),
    ],
    ids=["nothing", "traceback", "exit code", "time", "memory", "output"],
)
def test_what_counts_as_a_fault(outcome: Outcome, found: list[str]) -> None:
    assert faults(outcome) == found
