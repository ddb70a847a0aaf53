"""The table: `python -m benchmarks.prepare [--lines N] [--rounds N] [--million]`."""

from __future__ import annotations

import statistics
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.prepare.agreement import Result, differences, read
from benchmarks.prepare.candidates import CANDIDATES, EXTRAS, INSTALL, ONE, TWO, Candidate
from benchmarks.prepare.manifest import Truth, without, write_manifest
from benchmarks.prepare.measure import Cost, FailedError, run

ROOT = Path(__file__).resolve().parents[2]
SEED = 20
MILLION = 1_000_000
_MIB = 2**20


class DisagreementError(Exception):
    """A program did not do the job that the others did."""


class Bench:
    """Candidates on one made-up manifest.

    Args:
        folder: for manifests and outputs; the outputs are removed when they have been looked at.
    """

    def __init__(self, lines: int, folder: Path) -> None:
        self._folder = folder
        self._manifest = folder / f"{lines}.manifest"
        self.truth: Truth = write_manifest(self._manifest, lines, SEED)
        self._reference: Result | None = None
        self._agreed: set[str] = set()

    def cost(self, candidate: Candidate) -> Cost:
        """Run a candidate; what it wrote is compared the first time.

        Raises:
            DisagreementError: it is not what the manifest is known to hold, or what groundloop wrote.
            FailedError: it broke off.
        """
        with TemporaryDirectory(dir=self._folder) as place:
            output = Path(place) / "output"
            output.mkdir()
            cost = run(candidate.full_command(self._given(candidate), output), ROOT, Path(place) / "log")
            if candidate.name not in self._agreed:
                self._compare(candidate, output)
        return cost

    def _given(self, candidate: Candidate) -> Path:
        if not candidate.aborts_on:
            return self._manifest
        reduced = self._manifest.with_suffix(f".without-{candidate.aborts_on}")
        if not reduced.exists():
            without(self._manifest, reduced, self.truth, candidate.aborts_on)
        return reduced

    def _compare(self, candidate: Candidate, output: Path) -> None:
        result, problems = read(candidate, output, self.truth)
        if self._reference is None:
            self._reference = result
        problems += differences(candidate, result, self._reference)
        if problems:
            raise DisagreementError("\n  ".join([f"{candidate.name} does not agree:", *problems]))
        self._agreed.add(candidate.name)


def rows(costs: dict[str, list[Cost]], megabytes: float) -> list[str]:
    """Return the table: medians, and the median of each round's ratio to groundloop in one process."""
    base = costs[ONE.name]
    lines = [f"{'':<27}{'CPU s':>8}{'ratio':>8}{'MB per CPU-s':>14}{'wall s':>9}{'peak MiB':>10}"]
    for name, runs in costs.items():
        cpu = statistics.median(cost.cpu for cost in runs)
        wall = statistics.median(cost.wall for cost in runs)
        memory = max(cost.memory for cost in runs) / _MIB
        ratio = statistics.median(cost.cpu / one.cpu for cost, one in zip(runs, base, strict=True))
        lines.append(f"{name:<27}{cpu:>8.2f}{ratio:>7.2f}x{megabytes / cpu:>14.1f}{wall:>9.2f}{memory:>10.0f}")
    return lines


def compare(lines: int, rounds: int, folder: Path) -> None:
    """Run all candidates in turn, round by round, and print their table."""
    bench = Bench(lines, folder)
    truth, present = bench.truth, [candidate for candidate in CANDIDATES if candidate.installed]
    megabytes = truth.bytes / 1e6
    faults = f"{len(truth.faults):,} with a fault, of {len(truth.by_kind())} kinds"
    print(f"Prepare on {lines:,} lines ({megabytes:.0f} MB; {faults})")
    print(f"whole processes with their children, rounds taken in turn: {rounds}; medians; peak of the largest process")
    costs: dict[str, list[Cost]] = {candidate.name: [] for candidate in present}
    for number in range(rounds):
        first = number % len(present)  # in the first round groundloop, whose output the others are compared with
        for candidate in (*present[first:], *present[:first]):
            costs[candidate.name].append(bench.cost(candidate))
    print("\n".join(rows(costs, megabytes)))
    for candidate in CANDIDATES:
        if not candidate.installed:
            print(f"{candidate.name:<27}not installed: {INSTALL}")
    one, two = costs[ONE.name], costs[TWO.name]
    faster = statistics.median(single.wall / double.wall for single, double in zip(one, two, strict=True))
    print(f"wall time of one process over that of two: {faster:.2f} (says something on two idle processors only)")
    print("all agree on every fault and its line, on boxes by class, and on the lines of the splits; beyond that:")
    for candidate in present:
        if note := candidate.differences():
            print(f"  {candidate.name}: {note}")
    print(f"  {EXTRAS}")


def grow(folder: Path) -> None:
    """Measure what groundloop takes for a million lines."""
    bench = Bench(MILLION, folder)
    megabytes = bench.truth.bytes / 1e6
    print(f"\n{MILLION:,} lines ({megabytes:.0f} MB), one round")
    print("\n".join(rows({candidate.name: [bench.cost(candidate)] for candidate in (ONE, TWO)}, megabytes)))


def main() -> int:
    """Measure and print; 1 when a candidate breaks off or disagrees."""
    parser = ArgumentParser(prog="python -m benchmarks.prepare", description=__doc__)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--million", action="store_true", help="also groundloop's memory on a million lines")
    parser.add_argument(
        "--folder", type=Path, help="where to put manifests and outputs, some 3 KB a line; default: temporary"
    )
    arguments = parser.parse_args()
    if min(arguments.lines, arguments.rounds) < 1:
        parser.error("give at least one line and one round")
    with TemporaryDirectory(prefix="groundloop-bench-", dir=arguments.folder) as place:
        try:
            compare(arguments.lines, arguments.rounds, Path(place))
            if arguments.million:
                grow(Path(place))
        except (DisagreementError, FailedError) as error:
            sys.stderr.write(f"{error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
