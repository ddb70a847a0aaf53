"""A light installation brings what labels, evaluation, prediction and review need; the rest names its extra."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from groundloop.errors import UserError
from pipeline.extras import install_command, missing_package, require

ROOT = Path(__file__).resolve().parents[2]
OPTIONAL = ("sagemaker", "moto", "jsonschema", "optuna")


def test_the_library_and_all_commands_are_imported_without_the_optional_packages() -> None:
    code = (
        "import importlib, pkgutil, sys\n"
        f"sys.modules.update(dict.fromkeys({OPTIONAL}))\n"
        "import groundloop, pipeline.cli, pipeline.config, pipeline.doctor\n"
        "for package in (groundloop, pipeline.cli, pipeline.config, pipeline.doctor):\n"
        "    for module in pkgutil.walk_packages(package.__path__, f'{package.__name__}.'):\n"
        "        if not module.name.startswith('groundloop.local.') and not module.name.endswith('__main__'):\n"
        "            importlib.import_module(module.name)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_what_is_installed_is_not_missed() -> None:
    require("moto", "sagemaker")


def test_what_is_absent_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        UserError, match=r"^this needs moto, which is not installed; run: pip install 'groundloop\[local\]'$"
    ):
        require("moto")


@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("sagemaker.core.image_uris", "pip install 'groundloop[aws]'"),
        ("sagemaker-core", "pip install 'groundloop[aws]'"),
        ("moto.core", "pip install 'groundloop[local]'"),
        ("numpy", ""),
        (None, ""),
    ],
)
def test_only_optional_packages_have_a_command(module: str | None, command: str) -> None:
    assert install_command(module) == command
    assert bool(missing_package(module)) == bool(command)
