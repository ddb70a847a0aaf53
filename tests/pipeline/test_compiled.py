"""Compiled definitions are used again only when nothing that they depend on has changed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from pipeline import compiled, kept_texts
from pipeline.compiled import cache_key, compiled_definition
from pipeline.config import Config, load_config
from pipeline.kept_texts import cache_folder
from tests.fixtures.definitions import LOCAL, ROOT


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """An empty cache, and a record of what is compiled; the text stands for the definition."""
    monkeypatch.setenv("GROUNDLOOP_CACHE_DIR", str(tmp_path / "cache"))
    done: list[str] = []

    def compile_once(config: Config, kind: str) -> str:
        done.append(kind)
        return f'{{"{kind}": "ü {len(done)}"}}'

    monkeypatch.setattr(compiled, "_compile", compile_once)
    return done


def test_the_same_is_compiled_once(config: Config, compilations: list[str]) -> None:
    first = compiled_definition(config, "training")
    assert compiled_definition(config, "training") == first
    assert compiled_definition(config, "deploy") != first
    assert compilations == ["training", "deploy"]


def _edit_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, edit: Callable[[Path], object]) -> None:
    """The code is a copy of `steps/` with an edit."""
    copy = tmp_path / "steps"
    shutil.copytree(ROOT / "steps", copy)
    monkeypatch.setattr(kept_texts, "CODE_FOLDERS", (copy,))
    before = kept_texts.code_sha256()
    kept_texts._sha256_of.cache_clear()
    edit(copy)
    assert kept_texts.code_sha256() != before


def _append(path: Path) -> None:
    path.write_text(path.read_text() + "\n# edited\n")


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda steps: _append(steps / "train" / "step.py"), id="a step"),
        pytest.param(lambda steps: _append(steps / "evaluate" / "requirements.txt"), id="pinned requirements"),
        pytest.param(lambda steps: (steps / "new.py").write_text(""), id="a new module"),
        pytest.param(lambda steps: (steps / "model.py").unlink(), id="a module that is gone"),
        pytest.param(lambda steps: (steps / "model.py").rename(steps / "models.py"), id="another name"),
    ],
)
def test_other_code_is_another_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, edit: Callable[[Path], object]
) -> None:
    _edit_code(monkeypatch, tmp_path, edit)


@pytest.mark.parametrize(
    "assignment",
    [
        pytest.param("training.hyperparameters.epochs=17", id="a hyperparameter"),
        pytest.param("aws.region=eu-west-1", id="the region"),
        pytest.param("aws.tags={team: vision}", id="a tag"),
        pytest.param("gate.thresholds.map=null", id="a threshold switched off"),
    ],
)
def test_other_settings_are_another_key(config: Config, assignment: str) -> None:
    assert cache_key(load_config([LOCAL], [assignment], environment={}), "training") != cache_key(config, "training")


@pytest.mark.parametrize("package", compiled.PACKAGES)
def test_another_version_of_a_package_is_another_key(
    config: Config, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    before = cache_key(config, "training")
    installed = metadata.version
    monkeypatch.setattr(
        "pipeline.compiled._installed_version", lambda name: "99" if name == package else installed(name)
    )
    assert cache_key(config, "training") != before


def test_another_python_is_another_key(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    before = cache_key(config, "training")
    monkeypatch.setattr("platform.python_version", lambda: "3.99.0")
    assert cache_key(config, "training") != before


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda file: file.write_text(file.read_text()[:-1]), id="cut off"),
        pytest.param(lambda file: file.write_text(""), id="empty"),
        pytest.param(lambda file: file.write_bytes(b"\xff"), id="not text"),
        pytest.param(lambda file: file.write_text(file.read_text().replace("training", "deploying")), id="edited"),
    ],
)
def test_a_damaged_file_is_compiled_again(
    config: Config, compilations: list[str], damage: Callable[[Path], Any]
) -> None:
    compiled_definition(config, "training")
    (file,) = cache_folder().iterdir()
    damage(file)
    assert compiled_definition(config, "training") == '{"training": "ü 2"}'
    assert compiled_definition(config, "training") == '{"training": "ü 2"}'


def test_a_folder_that_cannot_be_written_only_costs_time(
    config: Config, compilations: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GROUNDLOOP_CACHE_DIR", str(tmp_path / "file"))
    assert compiled_definition(config, "training") != compiled_definition(config, "training")


def test_a_kept_definition_needs_no_sdk(config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is compiled here, then read by a process of its own, which could not import the SDK."""
    monkeypatch.setenv("GROUNDLOOP_CACHE_DIR", str(tmp_path))
    text = compiled_definition(config, "training")
    program = (
        "import sys\nfrom pathlib import Path\nsys.modules['sagemaker'] = None\n"
        "from pipeline.compiled import compiled_definition\nfrom pipeline.config import load_config\n"
        "def read(*assignments):\n"
        "    config = load_config([Path('configs/local.yaml')], assignments, environment={})\n"
        "    return compiled_definition(config, 'training')\n"
        "sys.stdout.write(read())\n"
        "try:\n    read('training.hyperparameters.epochs=17')\n"
        "except ImportError as error:\n    sys.stderr.write(error.name)"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == text
    assert ran.stderr.startswith("sagemaker"), "another definition needs it"


def test_definitions_that_were_compiled_ahead_are_used(
    config: Config, compilations: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The other process is the same module; a stub stands for the SDK there too."""
    python = tmp_path / "python"
    python.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from pipeline import compiled\n"
        "compiled._compile = lambda config, kind: f'{kind} of {config.pipeline.name}, ahead'\n"
        "assert sys.argv[1:] == ['-m', 'pipeline.compiled']\n"
        "compiled.main()\n"
    )
    python.chmod(0o755)
    monkeypatch.delitem(sys.modules, "sagemaker", raising=False)
    monkeypatch.setattr(sys, "executable", str(python))
    compiled.compile_ahead(config)
    assert compiled_definition(config, "training") == "training of groundloop, ahead"
    assert compiled_definition(config, "deploy") == "deploy of groundloop, ahead"
    assert compilations == []


def test_a_failure_ahead_is_left_to_the_one_who_needs_the_definition(
    config: Config, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "sagemaker", raising=False)
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    compiled.compile_ahead(config)
    assert compiled_definition(config, "training")
    assert compilations == ["training"]


@pytest.mark.parametrize("loaded", [True, False], ids=["the SDK is loaded", "they are kept"])
def test_nothing_is_compiled_ahead_without_need(
    loaded: bool, config: Config, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if loaded:
        monkeypatch.setitem(sys.modules, "sagemaker", compiled)
    else:
        monkeypatch.delitem(sys.modules, "sagemaker", raising=False)
        compiled_definition(config, "training")
        compiled_definition(config, "deploy")
    monkeypatch.setattr(subprocess, "Popen", None)
    compiled.compile_ahead(config)
