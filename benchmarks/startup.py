"""How long a user waits for a command: every command of the program, on an offline AWS with one finished run.

Run with `make bench`, or `python benchmarks/startup.py`. Each command is a process of its own; they take turns, so that
a machine whose speed drifts treats them alike. Printed are medians: wall-clock seconds, and CPU seconds, which are
steadier. `warm`: the compiled definition is kept from an earlier command. `cold`: it is not, so that the SageMaker SDK
is imported; only commands that need the definition are measured so.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROUNDS = 3
IMAGES = 60
ROOT = Path(__file__).resolve().parents[1]
PROGRAM = [sys.executable, "-c", "from pipeline.cli import main; main()"]
SDK_IMPORT = [sys.executable, "-c", "import sagemaker.mlops.workflow.pipeline"]

#: The commands, each with arguments; FOLDER, MANIFEST, IMAGES and NEW are replaced by paths. Those that decide on the
#: version or start the deploy pipeline do it once, and answer at once after that.
COMMANDS: dict[str, list[str]] = {
    "--help": [],
    "--version": [],
    "labels check": ["MANIFEST", "--images", "IMAGES"],
    "labels convert": ["MANIFEST", "NEW", "--to", "coco"],
    "labels stats": ["MANIFEST"],
    "labels show": ["MANIFEST", "--images", "IMAGES", "-o", "NEW.jpg"],
    "config show": [],
    "config schema": [],
    "init": ["NEW"],
    "compile": ["-o", os.devnull],
    "check": [],
    "plan": [],
    "upsert": [],
    "start": ["-p", "DeployMode=never"],
    "watch": ["EXECUTION"],
    "runs": [],
    "stop": ["EXECUTION", "--yes"],
    "logs": ["Train", "-e", "EXECUTION"],
    "report": ["EXECUTION", "-o", "NEW.html"],
    "models": [],
    "models show": ["1"],
    "approve": ["1", "--reason", "measured"],
    "endpoint": [],
    "predict": ["IMAGES/image-0001.jpg"],
    "count": ["IMAGES/image-0001.jpg"],
    "deploy": ["1", "--no-wait"],
    "rollback": [],
    "reject": ["1", "--reason", "measured"],
    "triggers show": [],
    "triggers apply": [],
    "doctor": [],
    "prove": [],
    "export-model": ["1", "-o", "NEW.onnx"],
    "destroy": ["--dry-run"],
    "local env": [],
    "local clean": ["--yes"],
}
#: Commands that need the definition, or the images' URIs from the SDK's tables.
NEEDS_DEFINITION = ("compile", "check", "plan", "upsert", "doctor")
#: Commands that take as long as their work does, and what measures that.
OTHERS = {
    "captures list": "reads captured requests",
    "captures extract": "reads captured requests",
    "drift": "reads captured requests",
    "track": "needs a tracking server",
    "demo": "runs the whole pipeline",
    "local": "serves until it is stopped",
    "local run": "runs the whole pipeline",
    "evaluate": "benchmarks/evaluation.py",
    "label": "serves until it is stopped",
    "review": "serves until it is stopped",
    "review serve": "serves until it is stopped",
    "review new": "reads predictions",
    "review status": "needs a queue",
    "review finish": "needs a queue",
    "review release": "needs a queue",
    "review revoke": "needs a queue",
    "review restore": "needs a queue",
    "review insight": "needs a queue",
    "review export": "needs a queue",
    "review push": "needs a queue, and a server",
    "review pull": "needs a queue, and a server",
    **dict.fromkeys(
        (f"labeling {name}" for name in ("create", "status", "stop", "adjust", "verify", "outputs", "portal")),
        "needs a work team",
    ),
    **dict.fromkeys(
        (f"a2i {name}" for name in ("create", "start", "status", "collect", "stop", "delete")), "needs a work team"
    ),
    "serve": "serves until it is stopped",
    **dict.fromkeys((f"tune {name}" for name in ("show", "apply", "stop")), "needs a search"),
    "endpoint test": "takes as long as the endpoint's answers",
}
WITHOUT_CONFIG = ("--help", "--version", "init", "config schema", "labels", "local")


@dataclass(frozen=True)
class Duration:
    """What a process took, in seconds."""

    wall: float
    cpu: float


def measure(command: list[str], cache: str, folder: Path) -> Duration:
    """Run a command in a folder, and return what it took.

    Args:
        command: the command with its arguments.
        cache: folder of compiled definitions.
        folder: the working folder.

    Raises:
        RuntimeError: it ends with a traceback, or it is used wrongly.
    """
    environment = {**os.environ, "GROUNDLOOP_CACHE_DIR": cache, "PYTHONPATH": str(ROOT)}
    before, begun = _children_cpu(), time.perf_counter()
    ran = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
    wall = time.perf_counter() - begun
    # A command that finds nothing to do ends with 1: it was waited for all the same.
    if ran.returncode not in {0, 1} or "Traceback" in ran.stderr:
        raise RuntimeError(f"{' '.join(command)} ended with {ran.returncode}: {ran.stderr}")
    return Duration(wall, _children_cpu() - before)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def arguments(name: str, paths: dict[str, str], number: int) -> list[str]:
    """Return the whole command line of a command, with its paths filled in; NEW is another path each time."""
    words = [*name.split(), *COMMANDS[name]]
    if not name.startswith(WITHOUT_CONFIG):
        words += ["-c", str(ROOT / "configs" / "local.yaml")]
    known = {**paths, "NEW": f"{paths['FOLDER']}/new-{name.replace(' ', '-')}-{number}"}
    for placeholder, path in known.items():
        words = [word.replace(placeholder, path) for word in words]
    return [*PROGRAM, *words]


def main() -> None:
    """Run the pipeline once offline, then time each command in turn and print the medians as a table."""
    from pipeline.cli.local.settings import load_local
    from pipeline.demo.offline_run import offline_aws, start_run, upload_labels
    from pipeline.demo.synthetic_images import write_dataset

    settings = load_local(None, ["training.hyperparameters.epochs=4"], project=False)
    with (
        tempfile.TemporaryDirectory() as place,
        tempfile.TemporaryDirectory() as kept,
        offline_aws(settings, Path(place)),
    ):
        folder = Path(place)
        manifest, images = write_dataset(folder / "data", IMAGES, settings.aws.bucket), folder / "data" / "images"
        upload_labels(settings, manifest, images, lambda line: None)
        execution = start_run(settings, lambda line: None)
        followed = [*PROGRAM, "watch", execution, "-c", str(ROOT / "configs" / "local.yaml")]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run(followed, cwd=folder, check=True, env=environment, stdout=subprocess.DEVNULL)
        paths = {
            "FOLDER": str(folder),
            "MANIFEST": str(manifest),
            "IMAGES": str(images),
            "EXECUTION": execution,
        }
        _time_all(paths, folder, kept)


def _time_all(paths: dict[str, str], folder: Path, kept: str) -> None:
    warm: dict[str, list[Duration]] = {name: [] for name in COMMANDS}
    cold: dict[str, list[Duration]] = {name: [] for name in NEEDS_DEFINITION}
    sdk: list[Duration] = []
    for number in range(ROUNDS + 1):  # the first round warms the file cache and keeps the definition; not counted
        sdk.append(measure(SDK_IMPORT, kept, folder))
        for name in COMMANDS:
            command = arguments(name, paths, number)
            warm[name].append(measure(command, kept, folder))
            if name == "start":  # its jobs would take the processors from the commands that follow
                measure([*PROGRAM, "stop", "--yes", *command[-2:]], kept, folder)
            if name in cold and number:
                with tempfile.TemporaryDirectory() as empty:
                    cold[name].append(measure(command, empty, folder))
    print(f"start-up, medians of {ROUNDS} runs each, taken in turn\n")
    print("| command | warm: wall s | CPU s | cold: wall s | CPU s |\n| --- | --- | --- | --- | --- |")
    print(f"| import of the SageMaker SDK | {_medians(sdk[1:])} | | |")
    for name, durations in warm.items():
        print(f"| `{name}` | {_medians(durations[1:])} | {_medians(cold[name]) if name in cold else '|'} |")


def _medians(durations: list[Duration]) -> str:
    wall, cpu = (statistics.median(getattr(item, kind) for item in durations) for kind in ("wall", "cpu"))
    return f"{wall:.2f} | {cpu:.2f}"


if __name__ == "__main__":
    main()
