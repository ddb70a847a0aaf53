"""Measure the review queue: `python -m benchmarks.review [--run FOLDER]`, the folder of a local run on the demo."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.review import crash, crowd, selection, speed

_SEEDS = range(1, 6)


def main() -> int:
    """Print the measurements beside what is required; return 1 when one falls short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, help="folder of a local run on the demo's scenes, for the selection")
    parser.add_argument("--labelled", type=Path, help="folder of a local run on labelled images, half of them for test")
    arguments = parser.parse_args()
    rows: list[tuple[str, str, str, bool]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        crashed = crash.run(folder / "crash", answers=200, kills=20)
        rows.append(
            (
                "acknowledged answers lost in 20 crashes",
                f"{crashed.lost} of {crashed.acknowledged}",
                "0",
                not crashed.lost,
            )
        )
        rows.append(("stored twice", str(crashed.twice), "0", not crashed.twice))
        many = crowd.run(folder / "crowd", tasks=1000, reviewers=8, lease_seconds=1, vanishing=0.1)
        rows.append(("answered by 8 reviewers", f"{many.answered} of {many.tasks}", "all", many.answered == many.tasks))
        rows.append(("two answers in time", str(many.second_in_time), "0", not many.second_in_time))
        (folder / "speed").mkdir()
        quick = speed.run(folder / "speed", tasks=10_000, answers=200)
        rows.append(("queue of 10,000 made", f"{quick.build_seconds:.2f} s", "5 s", quick.build_seconds <= 5))
        rows.append(("command to link", f"{quick.ready_seconds:.2f} s", "1 s", quick.ready_seconds <= 1))
        rows.append(
            (
                "answer to next task, p95",
                f"{quick.answer_milliseconds:.0f} ms",
                "100 ms",
                quick.answer_milliseconds <= 100,
            )
        )
        rows.append(("server's memory", f"{quick.megabytes:.0f} MB", "120 MB", quick.megabytes <= 120))
    if arguments.run is not None:
        found = [selection.run(arguments.run, seed=seed) for seed in _SEEDS]
        gain = statistics.mean(one.gain for one in found)
        ratio = sum(one.expected for one in found) / sum(one.true for one in found)
        rows.append(("mistakes on chosen images, times random", f"{gain:.2f}", "1.8", gain >= 1.8))
        rows.append(("best possible", f"{statistics.mean(one.best / one.at_random for one in found):.2f}", "", True))
        rows.append(
            ("lowest best score", f"{statistics.mean(one.lowest_score / one.at_random for one in found):.2f}", "", True)
        )
        rows.append(("expected mistakes, times true", f"{ratio:.2f}", "0.75 to 1.25", 0.75 <= ratio <= 1.25))
    if arguments.labelled is not None:
        found = [selection.run_on_test_split(arguments.labelled, seed=seed) for seed in _SEEDS]
        gain = statistics.mean(one.gain for one in found)
        ratio = sum(one.expected for one in found) / sum(one.true for one in found)
        best = statistics.mean(one.best / one.at_random for one in found)
        rows.append(("the same on labelled images", f"{gain:.2f}", "1.2", gain >= 1.2))
        rows.append(("best possible there", f"{best:.2f}", "", True))
        rows.append(("expected mistakes there, times true", f"{ratio:.2f}", "0.75 to 1.25", 0.75 <= ratio <= 1.25))
    width = max(len(row[0]) for row in rows)
    for what, value, required, met in rows:
        sys.stdout.write(f"{what.ljust(width)}  {value:>12}  {required:>12}  {'' if met else 'MISSED'}".rstrip() + "\n")
    return 0 if all(row[3] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
