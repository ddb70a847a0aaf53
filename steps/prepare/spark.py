"""The work on Spark: the same functions on the same ranges, on the executors of a cluster.

The manifest has to be at the same path on every machine, as Processing's FullyReplicated inputs are. What a task
writes comes back to the driver with its result and is put where the task would have put it here.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from groundloop.errors import UserError
from steps import bootstrap

Task = TypeVar("Task")
Result = TypeVar("Result")

# What comes back of a part has to fit the driver's memory as often as there are cores.
BYTES_AT_A_TIME = 64_000_000


class Spark:
    """An engine of a Spark application: this process is its driver.

    Args:
        size: bytes that there are to read.

    Raises:
        UserError: there is no Spark here.
    """

    def __init__(self, size: int) -> None:
        try:
            from pyspark import SparkConf, SparkContext
        except ImportError:
            raise UserError(
                "--engine spark needs pyspark: run the job in SageMaker's Spark image (in a pipeline: "
                "processing.engine: spark does), or install pyspark and Java"
            ) from None
        # The driver takes the parts one after the other, so their sum need not fit.
        conf = SparkConf().setAppName("groundloop-prepare").set("spark.driver.maxResultSize", "0")
        self._context: Any = SparkContext.getOrCreate(conf)
        self._cores: int = self._context.defaultParallelism
        self.width = max(self._cores, size // BYTES_AT_A_TIME)
        self._shared: list[str] = []
        self._folder = tempfile.mkdtemp(prefix="groundloop-spark-")
        self._requirements = ""
        if zipfile.is_zipfile(sys.argv[0]):  # the job's archive: executors get it under a name that Spark imports from
            code = Path(self._folder, "groundloop.zip")
            shutil.copyfile(sys.argv[0], code)
            self._context.addPyFile(str(code))
            if os.environ.get("GROUNDLOOP_REQUIREMENTS", "install") == "install":
                with zipfile.ZipFile(code) as archive:
                    self._requirements = archive.read(bootstrap.REQUIREMENTS_FILE).decode()

    def share(self, paths: Sequence[Path]) -> None:
        """Send files to every executor."""
        for path in paths:
            self._context.addFile(str(path))
            self._shared.append(str(path))

    def map(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        """Call the function on the tasks in the executors; yield the results in order."""
        for begin in range(0, len(tasks), self._cores):
            batch = [pickle.dumps((function, task, self._shared)) for task in tasks[begin : begin + self._cores]]
            sent = self._context.parallelize(batch, len(batch)).map(partial(_run, requirements=self._requirements))
            for answer in sent.collect():
                outcome, files = pickle.loads(answer)  # noqa: S301  from our own executors
                if isinstance(outcome, UserError):
                    raise outcome
                for path, content in files.items():
                    Path(path).write_bytes(content)
                yield outcome

    def close(self) -> None:
        """Stop the cluster and remove the temporary folder."""
        self._context.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _run(payload: bytes, requirements: str) -> bytes:
    """Run one task on an executor; return its result, or the user's mistake, and the files that it wrote."""
    if requirements:
        _install(requirements)
    # Only now, since a task's classes need what was just installed.
    function, task, shared = pickle.loads(payload)  # noqa: S301  from our own driver
    for path in shared:
        _copy_from_driver(Path(path))
    for path in getattr(task, "files", ()):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        result = function(task)
    except UserError as error:
        return pickle.dumps((error, {}))
    files = {}
    for path in getattr(task, "files", ()):
        files[str(path)] = path.read_bytes()
        path.unlink()
    return pickle.dumps((result, files))


def _copy_from_driver(path: Path) -> None:
    """Copy a file of the driver to the same path on this machine."""
    from pyspark import SparkFiles

    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        copy = path.with_name(f"{path.name}.{os.getpid()}")
        shutil.copyfile(SparkFiles.get(path.name), copy)
        copy.rename(path)  # at once, since other executors may be looking


def _install(requirements: str) -> None:
    """Install what the job needs and this machine lacks: once per machine, however many executors it has."""
    missing = bootstrap.missing(requirements)
    if not missing:
        return
    folder = Path(tempfile.gettempdir(), f"groundloop-{zlib.crc32(requirements.encode()):08x}-{sys.version_info.minor}")
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder / ".done"
        if not done.exists():
            bootstrap.install(missing, str(folder))
            done.touch()
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
