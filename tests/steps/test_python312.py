r"""The jobs under Python 3.12, which is what SageMaker's processing images run.

The interpreter is the one that GROUNDLOOP_PYTHON312 or PYTHON312 names, else `python3.12`. One without the jobs'
packages compiles every module and runs what needs the standard library only; to run all, make it an environment:

    uv venv --python 3.12 DIR && uv pip install --python DIR/bin/python \\
        -r steps/prepare/requirements.txt -r steps/evaluate/requirements.txt
    GROUNDLOOP_PYTHON312=DIR/bin/python pytest tests/steps/test_python312.py
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from groundloop.labels.split import HashSplit
from steps.evaluate.job import main as evaluate
from steps.prepare.job import main as prepare

ROOT = Path(__file__).parents[2]
# PYENV_VERSION: pyenv puts a python3.12 on the path that runs only when that version is chosen.
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PYENV_VERSION": "3.12"}


def _run(python: str, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [python, "-W", "error", "-c", code, *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def python312() -> str:
    """A working interpreter of that version."""
    named = os.environ.get("GROUNDLOOP_PYTHON312") or os.environ.get("PYTHON312")
    python = named or shutil.which("python3.12")
    if python is None:
        pytest.skip("no python3.12 on the path, and GROUNDLOOP_PYTHON312 names none")
    asked = _run(python, "import sys; print(*sys.version_info[:2], sys.executable)")
    version, _, executable = asked.stdout.strip().rpartition(" ")
    if version != "3 12":
        # One that was asked for by name must work; one that happens to be on the path need not.
        message = f"{python} is not a working Python 3.12: {asked.stderr.strip() or version}"
        pytest.fail(message) if named else pytest.skip(message)
    return executable


@pytest.fixture(scope="module")
def python312_with_packages(python312: str) -> str:
    """The same, able to run the jobs."""
    imported = _run(python312, "import msgspec, numpy, jinja2, PIL")
    if imported.returncode:
        pytest.skip(f"{python312} lacks the jobs' packages: {imported.stderr.strip().splitlines()[-1]}")
    return python312


def test_every_module_compiles_without_warning(python312: str) -> None:
    modules = sorted(
        str(path) for package in ("labels", "detections", "steps") for path in (ROOT / package).rglob("*.py")
    )
    assert len(modules) > 20
    code = "import sys\nfor path in sys.argv[1:]: compile(open(path, encoding='utf-8').read(), path, 'exec')"
    compiled = _run(python312, code, *modules)
    assert compiled.returncode == 0, compiled.stderr


def test_images_fall_into_the_same_splits(python312: str) -> None:
    refs = [f"s3://bucket/{n}-é.jpg" for n in range(50)]
    code = (
        "import json, sys; from groundloop.labels.split import HashSplit; "
        "print(json.dumps([HashSplit(0.3, 0.3, 4)(ref).value for ref in json.loads(sys.argv[1])]))"
    )
    split = _run(python312, code, json.dumps(refs))
    assert split.returncode == 0, split.stderr
    assert json.loads(split.stdout) == [HashSplit(0.3, 0.3, 4)(ref).value for ref in refs]


def test_the_gate_words_its_verdict_alike(python312: str) -> None:
    code = (
        "from steps.evaluate.gate import verdict; "
        "from steps.evaluate.requirements import parse_thresholds; "
        "print(verdict({'map': 0.412}, parse_thresholds(['map=0.6'], []))['message'])"
    )
    result = _run(python312, code)
    assert result.stdout == "map is 0.412, 0.188 under its threshold 0.6\n", result.stderr


def _manifest(folder: Path) -> None:
    lines = [
        json.dumps(
            {
                "source-ref": f"s3://bucket/{n}.jpg",
                "bb": {
                    "image_size": [{"width": 100, "height": 50}],
                    "annotations": [{"class_id": n % 2, "left": n, "top": 5, "width": 20.5, "height": 10}],
                },
                "bb-metadata": {"class-map": {"0": "nut", "1": "bolt"}, "objects": [{"confidence": 0.90}]},
            }
        )
        for n in range(40)
    ]
    folder.mkdir()
    (folder / "output.manifest").write_text("\n".join([*lines, "broken", ""]))


def _predictions(manifests: Path, folder: Path) -> None:
    """All boxes as they are, one class's a little aside."""
    folder.mkdir()
    for split in ("validation", "test"):
        for text in (manifests / f"{split}.manifest").read_text().splitlines():
            line = json.loads(text)
            (box,) = line["bounding-box"]["annotations"]
            left = box["left"] + 3 * box["class_id"]
            corners = [left / 100, box["top"] / 50, (left + 20.5) / 100, (box["top"] + 10) / 50]
            answer = {"prediction": [[box["class_id"], 0.8, *corners]]}
            (folder / f"{line['source-ref'].rpartition('/')[2]}.out").write_text(json.dumps(answer))


def test_both_jobs_write_the_same_bytes_as_here(python312_with_packages: str, tmp_path: Path) -> None:
    _manifest(tmp_path / "in")

    def preparing(place: Path) -> list[str]:
        outputs = ["--manifests-output", str(place / "manifests"), "--report-output", str(place / "report")]
        outputs += ["--training-data-output", str(place / "training-data")]
        asked = ["--check-images", "none", "--validation-fraction", "0.3", "--test-fraction", "0.3"]
        return ["--manifest", str(tmp_path / "in"), *asked, *outputs, "--message-file", str(place / "message")]

    def evaluating(place: Path) -> list[str]:
        inputs = ["--manifests", str(place / "manifests"), "--report", str(place / "report")]
        outputs = ["--no-gallery", "--output", str(place / "evaluation"), "--message-file", str(place / "message")]
        return [*inputs, "--predictions", str(tmp_path / "predictions"), *outputs, "--minimum", "map=0.5", "voc_map=0"]

    here, there = tmp_path / "here", tmp_path / "there"
    assert prepare(preparing(here)) == 0
    _predictions(here / "manifests", tmp_path / "predictions")
    assert evaluate(evaluating(here)) == 0
    for job, arguments in (("prepare", preparing(there)), ("evaluate", evaluating(there))):
        done = _run(python312_with_packages, f"from steps.{job}.job import main; raise SystemExit(main())", *arguments)
        assert done.returncode == 0, done.stderr
    every = sorted(path.relative_to(here) for path in here.rglob("*") if path.is_file())
    assert every == sorted(path.relative_to(there) for path in there.rglob("*") if path.is_file())
    # Packed by another zlib or drawn by another font engine, the same may have other bytes.
    written = [path for path in every if path.suffix not in (".png", ".gz")]
    assert len(written) == 14
    assert {path: (there / path).read_bytes() for path in written} == {
        path: (here / path).read_bytes() for path in written
    }
