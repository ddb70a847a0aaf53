"""What all commands have in common: one form of errors, `--json`, `--debug`, `--version`, options before a command."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer.main

from pipeline.cli.debugging import CALL_LOGGERS
from pipeline.cli.main import app
from tests.fixtures.cli import Groundloop

LOCAL = "configs/local.yaml"


@pytest.mark.parametrize(
    ("arguments", "message", "usage"),
    [
        pytest.param(["plna"], "No such command 'plna'. Did you mean 'plan'?", "groundloop", id="no such command"),
        pytest.param(["plan", "--confg", "x"], "No such option: --confg", "groundloop plan", id="no such option"),
        pytest.param(["approve"], "Missing argument 'VERSION'.", "groundloop approve", id="missing argument"),
        pytest.param(
            ["approve", "last", "-r", "x"],
            "Invalid value for 'VERSION': must be an integer",
            "approve",
            id="no integer",
        ),
        pytest.param(
            ["demo", "--images", "3"], "Invalid value for '--images': must be at least 60", "demo", id="out of range"
        ),
        pytest.param(
            ["labels", "convert", "a", "b", "--to", "xml"], "'xml' is not one of", "labels convert", id="no choice"
        ),
    ],
)
def test_wrong_usage_reads_like_any_error(
    groundloop: Groundloop, arguments: list[str], message: str, usage: str
) -> None:
    ran = groundloop(*arguments)
    assert (ran.code, ran.out) == (2, "")
    first, last = ran.err.splitlines()[0], ran.err.splitlines()[-1]
    assert first.startswith("error: ")
    assert message in first
    assert "Input should" not in ran.err
    assert last.startswith("usage: groundloop")
    assert last.endswith(f"{usage} --help")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["runs", "-s", "aws.bucket=B", "-c", LOCAL], 2, id="configuration"),
        pytest.param(["models", "--jsn"], 2, id="usage"),
        pytest.param(["runs", "-c", LOCAL], 1, id="AWS"),
    ],
)
def test_errors_are_json_where_the_output_is(groundloop: Groundloop, arguments: list[str], code: int) -> None:
    ran = groundloop(*arguments, "--json")
    assert (ran.code, ran.out) == (code, "")
    error = json.loads(ran.err)["error"]
    assert error["exit_code"] == code
    assert error["message"]


@pytest.fixture
def restored_loggers() -> Iterator[None]:
    """Takes the handlers that `--debug` adds away again."""
    yield
    for logger in map(logging.getLogger, CALL_LOGGERS):
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
        logger.handlers.clear()


@pytest.mark.usefixtures("restored_loggers")
def test_debug_shows_the_calls_to_aws_and_the_traceback(
    groundloop: Groundloop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    ran = groundloop("runs", "-c", LOCAL, "--debug")
    assert ran.code == 1
    assert "aws: sagemaker ListPipelineExecutions" in ran.err
    assert "Traceback (most recent call last)" in ran.err
    assert ran.err.splitlines()[-1].startswith("error: ")
    assert "testing" not in ran.err, "the credentials"


@pytest.mark.parametrize("command", ["plan", "upsert"])
def test_missing_credentials_are_reported_before_the_sdk_is_needed(
    groundloop: Groundloop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("GROUNDLOOP_CACHE_DIR", str(tmp_path))
    ran = groundloop(command, "-c", LOCAL)
    assert (ran.code, ran.error.partition(":")[0]) == (1, "there are no AWS credentials")
    assert list(tmp_path.iterdir()) == [], "nothing has been compiled"


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        pytest.param({"FORCE_COLOR": "1"}, True, id="FORCE_COLOR"),
        pytest.param({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, id="NO_COLOR goes before"),
        pytest.param({"TERM": "dumb"}, False, id="TERM=dumb"),
        pytest.param({}, False, id="no terminal"),
    ],
)
def test_only_the_mark_of_an_error_is_coloured(
    groundloop: Groundloop, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], coloured: bool
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ran = groundloop("config", "show", "-c", "nowhere.yaml")
    mark = "\x1b[31merror:\x1b[0m" if coloured else "error:"
    assert ran.err == f"{mark} no such file: nowhere.yaml\n"


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_the_versions(groundloop: Groundloop, option: str) -> None:
    python = ".".join(map(str, sys.version_info[:3]))
    expected = f"groundloop {version('groundloop')} (Python {python}, sagemaker {version('sagemaker')})\n"
    assert groundloop(option).out == expected


def test_the_version_does_not_import_the_sdk() -> None:
    code = (
        "import sys; from pipeline.cli.main import version_line; version_line(); sys.exit('sagemaker' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_settings_before_the_command_count_and_later_ones_win(groundloop: Groundloop) -> None:
    ran = groundloop(
        "-c", LOCAL, "-s", "prepare.split.seed=5", "config", "show", "--json", "-s", "prepare.split.test=0.2"
    )
    assert ran.json["prepare"]["split"] | {"seed": 5, "test": 0.2} == ran.json["prepare"]["split"]
    again = groundloop(
        "-c", LOCAL, "-s", "prepare.split.seed=5", "config", "show", "--json", "-s", "prepare.split.seed=7"
    )
    assert again.json["prepare"]["split"]["seed"] == 7
    assert groundloop("config", "show", "-c", LOCAL, "--json").json["prepare"]["split"]["seed"] == 1, (
        "of that call only"
    )


def test_a_variable_that_looks_like_a_setting_is_reported(
    groundloop: Groundloop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDLOOP_GATE_MAP", "0.4")
    ran = groundloop("config", "show", "-c", LOCAL)
    assert ran.code == 0
    assert ran.err.startswith("warning: environment variable GROUNDLOOP_GATE_MAP is not used")


def test_without_a_command_the_help_is_shown(groundloop: Groundloop) -> None:
    ran = groundloop()
    assert ran.code == 2
    assert "The pipeline:" in ran.err


def _parameters(command: Any, path: str = "groundloop") -> list[tuple[str, Any]]:
    found = [(path, parameter) for parameter in command.params]
    for name, child in getattr(command, "commands", {}).items():
        found += _parameters(child, f"{path} {name}")
    return found


@pytest.mark.parametrize(
    ("path", "parameter"),
    [pytest.param(path, item, id=f"{path} {item.name}") for path, item in _parameters(typer.main.get_command(app))],
)
def test_each_value_has_a_word(path: str, parameter: Any) -> None:
    """FILE, KEY=VALUE or N, not the names of Python's types."""
    if not getattr(parameter, "is_flag", False):
        assert parameter.metavar
        assert "<" not in parameter.metavar


@pytest.mark.parametrize(("option", "shown"), [([], False), (["-Wdefault"], True)], ids=["usually", "on request"])
def test_a_librarys_warning_is_kept_from_the_terminal(option: list[str], shown: bool) -> None:
    code = (
        "import sys, warnings\n"
        "from pipeline.cli import main as program\n"
        "from pipeline.cli.main import app\n"
        "@app.command()\n"
        "def warn() -> None:\n"
        "    warnings.warn('deprecated')\n"
        "sys.argv = ['groundloop', 'warn']\n"
        "program()\n"
    )
    ran = subprocess.run([sys.executable, *option, "-c", code], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ("deprecated" in ran.stderr) == shown


def test_an_optional_package_that_is_absent_is_named_with_its_remedy(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.modules['sagemaker'] = None\n"
        f"sys.argv = ['groundloop', 'compile', '-c', '{LOCAL}']\n"
        "from pipeline.cli import main\n"
        "main()\n"
    )
    environment = {**os.environ, "GROUNDLOOP_CACHE_DIR": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", code], check=False, env=environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (
        1,
        "error: this needs the SageMaker SDK, which is not installed; run: pip install 'groundloop[aws]'\n",
    )
