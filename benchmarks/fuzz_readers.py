"""Damaged input for every reader: no traceback, nothing slow, nothing large, no control character in the output.

Run with `make fuzz`, or `python -m benchmarks.fuzz_readers [INPUTS] [SEED]`; with `--only NUMBER` one input is read
again, and its files are kept for a look. The same seed gives the same inputs. Exit code 1 if anything was found.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path

from benchmarks.fuzz.worker import Outcome, read_input, target_of, work

INPUTS = 20_000
MAX_SECONDS = 10.0
MAX_MEGABYTES = 500
_ADDRESS_SPACE_MEGABYTES = 6_000
_SHOWN = 30
#: Wall time after which a process is ended: its input may take that of others on the machine, imports, and its making.
_HANGS_SECONDS = 12 * MAX_SECONDS


@dataclass
class Worker:
    """A process that reads inputs, one at a time, with its temporary files in `place`."""

    seed: int
    place: Path
    index: int = -1
    begun: float = 0.0
    connection: Connection = field(init=False)
    process: multiprocessing.process.BaseProcess = field(init=False)

    def __post_init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        given = (theirs, self.seed, _ADDRESS_SPACE_MEGABYTES, self.place)
        self.process = context.Process(target=work, args=given, daemon=True)
        self.process.start()
        theirs.close()

    def give(self, index: int) -> None:
        """Let it read an input."""
        self.index, self.begun = index, time.monotonic()
        self.connection.send(index)

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self.connection.close()


def outcomes(inputs: int, seed: int, processes: int) -> Iterator[Outcome]:
    """Read the inputs in several processes; one that takes too long ends its process."""
    # One folder for all: a process that is killed removes nothing.
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        yield from _outcomes(inputs, seed, processes, Path(place))


def _outcomes(inputs: int, seed: int, processes: int, place: Path) -> Iterator[Outcome]:
    indices = iter(range(inputs))
    workers = [Worker(seed, place) for _ in range(processes)]
    try:
        busy = [worker for worker in workers if _next(worker, indices)]
        while busy:
            ready = wait([worker.connection for worker in busy], timeout=0.2)
            for worker in list(busy):
                outcome = _outcome(worker, worker.connection in ready)
                if outcome is None:
                    continue
                yield outcome
                busy.remove(worker)
                if outcome.ends:
                    worker.end()
                    worker = Worker(seed, place)
                    workers.append(worker)
                if _next(worker, indices):
                    busy.append(worker)
    finally:
        for worker in workers:
            worker.end()


def _next(worker: Worker, indices: Iterator[int]) -> bool:
    index = next(indices, None)
    if index is None:
        return False
    worker.give(index)
    return True


def _outcome(worker: Worker, is_ready: bool) -> Outcome | None:
    """Return the outcome of the input that the worker reads; None when it isn't there yet."""
    if is_ready:
        try:
            found: Outcome = worker.connection.recv()
            return found
        except EOFError:
            worker.process.join()
            died = f"the process ended with {worker.process.exitcode}"
            return Outcome(worker.index, -1, time.monotonic() - worker.begun, 0, died, (), ends=True)
    seconds = time.monotonic() - worker.begun
    if seconds > _HANGS_SECONDS:
        return Outcome(worker.index, -1, seconds, 0, "", (), ends=True)
    return None


def faults(outcome: Outcome) -> list[str]:
    """Return what is wrong with an outcome, by kind."""
    found = []
    if outcome.error:
        found.append("tracebacks")
    if outcome.code not in (-1, 0, 1, 2):
        found.append("exit codes other than 0, 1 and 2")
    if outcome.seconds > MAX_SECONDS:
        found.append(f"over {MAX_SECONDS:g} s")
    if outcome.megabytes > MAX_MEGABYTES:
        found.append(f"over {MAX_MEGABYTES} MB")
    if outcome.unsafe:
        found.append("control characters in the output")
    return found


KINDS = (
    *("tracebacks", "exit codes other than 0, 1 and 2", f"over {MAX_SECONDS:g} s", f"over {MAX_MEGABYTES} MB"),
    "control characters in the output",
)


def main() -> int:
    """Read all inputs, print what was found, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", type=int, nargs="?", default=INPUTS)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    parser.add_argument("--only", type=int, metavar="NUMBER", help="read this input alone, and keep its files")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # by way of what removes the files
    if arguments.only is not None:
        return _read_again(arguments.only, arguments.seed)
    begun, counts, by_target, codes = time.monotonic(), Counter[str](), Counter[str](), Counter[int]()
    seconds: dict[str, float] = defaultdict(float)
    shown, slowest, largest = set[str](), (0.0, ""), (0.0, "")
    for outcome in outcomes(arguments.inputs, arguments.seed, arguments.processes):
        name = target_of(outcome.index, arguments.seed).name
        by_target[name] += 1
        seconds[name] += outcome.seconds
        codes[outcome.code] += 1
        slowest = max(slowest, (outcome.seconds, f"input {outcome.index}, {name}"))
        largest = max(largest, (outcome.megabytes, f"input {outcome.index}, {name}"))
        found = faults(outcome)
        counts.update(found)
        kind = "".join(outcome.error.splitlines()[-3:]) or f"{name}: {found}"
        if found and kind not in shown and len(shown) < _SHOWN:
            shown.add(kind)
            print(f"input {outcome.index} ({name}): {', '.join(found)}; {outcome.seconds:.1f} s", flush=True)
            print("".join(f"    {line!a}\n" for line in outcome.unsafe) + outcome.error, flush=True)
    print(f"{by_target.total():,} inputs in {time.monotonic() - begun:.0f} s; exit codes", end=" ")
    print(", ".join(f"{code}: {count:,}" for code, count in sorted(codes.items())))
    for name, count in sorted(by_target.items()):
        print(f"  {count:>6,}  {1_000 * seconds[name] / count:>5.0f} ms each  {name}")
    for kind in KINDS:
        print(f"{kind}: {counts[kind]}")
    print(f"slowest {slowest[0]:.1f} s ({slowest[1]}), largest {largest[0]:.0f} MB ({largest[1]})")
    return 1 if counts else 0


def _read_again(index: int, seed: int) -> int:
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{index}-"))
    outcome = read_input(index, seed, folder)
    print(
        f"{target_of(index, seed).name}: exit code {outcome.code}, {outcome.seconds:.1f} s, {outcome.megabytes:.0f} MB"
    )
    print("".join(f"    {line!a}\n" for line in outcome.unsafe) + outcome.error, end="")
    print(f"its files: {folder}")
    return 1 if faults(outcome) else 0


if __name__ == "__main__":
    sys.exit(main())
