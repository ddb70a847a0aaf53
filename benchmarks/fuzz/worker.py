"""Reads one damaged input after another in a process of its own, and measures each."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.fuzz import samples
from benchmarks.fuzz.damage import damage
from benchmarks.fuzz.reader import Target
from benchmarks.fuzz.targets import TARGETS
from groundloop.escaping import is_safe

MEGABYTE = 1 << 20
#: A process that keeps more than this after an input is replaced, so that the next is measured alone.
_KEPT_MEGABYTES = 320
_CHOICES = [target for target in TARGETS for _ in range(target.share)]


@dataclass(frozen=True)
class Outcome:
    """What came of one input.

    Attributes:
        code: exit code; -1 after a traceback.
        seconds: of the processor, which other work on the machine does not change.
        megabytes: the process's peak of memory while it was read.
        error: the traceback, or "".
        unsafe: lines of the output with control characters.
        ends: the process is to be replaced.
    """

    index: int
    code: int
    seconds: float
    megabytes: float
    error: str
    unsafe: tuple[str, ...]
    ends: bool = False


def target_of(index: int, seed: int) -> Target:
    """Return the target of an input."""
    return _chooser(index, seed).choice(_CHOICES)


def _chooser(index: int, seed: int) -> random.Random:
    return random.Random(f"{seed}:{index}")  # noqa: S311  nothing here is secret


def damaged_files(index: int, seed: int) -> samples.Files:
    """Return the files of an input: those of its target, one or two of them damaged."""
    chooser = _chooser(index, seed)
    target = chooser.choice(_CHOICES)
    files = dict(target.files())
    eligible = [name for name in files if name.startswith(target.damaged)] if target.damaged else []
    for name in chooser.sample(eligible, min(len(eligible), chooser.choice([1, 1, 1, 2]))):
        files[name] = damage(name, files[name], chooser)
    return files


def read_input(index: int, seed: int, keep: Path | None = None) -> Outcome:
    """Write the files of an input, and read them.

    Args:
        keep: a folder for the files, which stay there.
    """
    target, files = target_of(index, seed), damaged_files(index, seed)
    folder = keep or Path(tempfile.mkdtemp(prefix="fuzz-"))
    samples.write(folder, files)
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)]
    _reset_peak()
    code, error, begun = 0, "", time.process_time()
    try:
        with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
            target.read(folder, index)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:
        code, error = -1, traceback.format_exc(limit=-12)
    seconds = time.process_time() - begun
    megabytes = _peak()
    printed = [stream.buffer.getvalue().decode() for stream in streams]  # type: ignore[attr-defined]
    unsafe = tuple(line for text in printed for line in text.split("\n") if not is_safe(line))
    if keep is None:
        shutil.rmtree(folder, ignore_errors=True)
    return Outcome(index, code, seconds, megabytes, error, unsafe[:3])


def work(connection: Connection, seed: int, megabytes: int, place: Path) -> None:
    """Read the inputs whose numbers arrive, until none comes any more.

    Args:
        megabytes: memory that the process cannot exceed, for the machine's sake.
        place: folder of the temporary files.
    """
    tempfile.tempdir = str(place)
    resource.setrlimit(resource.RLIMIT_AS, (megabytes * MEGABYTE, megabytes * MEGABYTE))
    os.environ |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_EC2_METADATA_DISABLED": "true"}
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "NO_COLOR": "1", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    warnings.simplefilter("ignore")
    while (index := connection.recv()) is not None:
        outcome = read_input(index, seed)
        if _memory("VmRSS") > _KEPT_MEGABYTES:
            gc.collect()
        ends = _memory("VmRSS") > _KEPT_MEGABYTES
        connection.send(Outcome(**{**outcome.__dict__, "ends": ends}))
        if ends:
            return


def _reset_peak() -> None:
    """Let the peak of memory begin anew, where the system can do that."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    if sys.platform == "linux":
        return _memory("VmHWM")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE


def _memory(name: str) -> float:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:")), 0)
