"""`groundloop local env` and `groundloop local clean`; the offline AWS itself is tested in `tests/e2e`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.cli.local.environment import RunningAws, announced
from pipeline.cli.local.settings import local_overlay, overlay_files
from tests.fixtures.cli import Groundloop

NOBODY = 2**22 + 1  # above Linux's and macOS's largest process id


def running(port: int, process: int | None = None) -> RunningAws:
    return RunningAws(process or os.getpid(), f"http://127.0.0.1:{port}", {"AWS_ENDPOINT_URL": "u", "B": "a b"})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_env_prints_exports_that_a_shell_reads(groundloop: Groundloop) -> None:
    with announced(running(4599)):
        ran = groundloop("local", "env")
    assert ran.code == 0
    assert [shlex.split(line) for line in ran.out.splitlines()] == [
        ["export", "AWS_ENDPOINT_URL=u"],
        ["export", "B=a b"],
    ]


def test_each_overlay_is_named_once_and_later_ones_win(folder: Path) -> None:
    mine, local = folder.resolve() / "mine.yaml", local_overlay()
    assert overlay_files(None) == [local.resolve()]
    assert overlay_files([mine]) == [local.resolve(), mine]
    assert overlay_files([local]) == [local.resolve()]
    assert overlay_files([mine, local]) == [mine, local.resolve()]


def test_without_a_running_one_env_prints_nothing_to_evaluate(groundloop: Groundloop, folder: Path) -> None:
    with announced(running(4599)):
        pass
    (folder / ".groundloop" / "local-1.json").write_text("{")
    with announced(running(4600, NOBODY)):
        ran = groundloop("local", "env")
    assert (ran.code, ran.out) == (1, "")
    assert ran.error == "no offline AWS runs from this folder: start `groundloop local` here, in another terminal"


def test_of_several_the_port_says_which(groundloop: Groundloop) -> None:
    with announced(running(4600)), announced(running(4599)):
        assert groundloop("local", "env").error == (
            "2 offline AWS run from this folder: add --port with one of 4599, 4600"
        )
        assert groundloop("local", "env", "--port", "4600").code == 0
        assert groundloop("local", "env", "--port", "1").code == 1


@pytest.fixture
def runs(folder: Path) -> Callable[..., Path]:
    """Make the folder of a run."""

    def runs(name: str) -> Path:
        path = folder / ".groundloop" / name
        (path / "jobs").mkdir(parents=True)
        (path / "jobs" / "log.txt").write_bytes(b"x" * 300_000)
        return path

    return runs


def test_clean_removes_the_folders_of_ended_runs(groundloop: Groundloop, runs: Callable[..., Path]) -> None:
    ended = [runs(f"20260101-00000{number}-{NOBODY}") for number in (1, 2)]
    stays = [runs(f"20260101-000003-{os.getpid()}"), runs("reports"), runs("mine")]
    ran = groundloop("local", "clean", "--yes")
    assert ran.code == 0
    assert ran.out.splitlines()[-1] == "removed 0.6 MB"
    assert not any(path.exists() for path in ended)
    assert all(path.exists() for path in stays)


def test_clean_does_not_follow_links(groundloop: Groundloop, runs: Callable[..., Path], folder: Path) -> None:
    elsewhere = runs("mine")
    link = folder / ".groundloop" / f"20260101-000001-{NOBODY}"
    link.symlink_to(elsewhere)
    groundloop("local", "clean", "--yes")
    assert (elsewhere / "jobs" / "log.txt").exists()


@pytest.mark.parametrize(
    ("typed", "removed"), [pytest.param("y\n", True, id="yes"), pytest.param("\n", False, id="no")]
)
def test_on_a_terminal_clean_asks(
    groundloop: Groundloop,
    runs: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    removed: bool,
) -> None:
    path = runs(f"20260101-000001-{NOBODY}")
    monkeypatch.setattr("pipeline.cli.local.clean.is_interactive", lambda: True)
    ran = groundloop("local", "clean", stdin=typed)
    assert "Remove this folder, 0.3 MB?" in ran.out
    assert path.exists() is not removed


def test_elsewhere_clean_needs_yes(groundloop: Groundloop, runs: Callable[..., Path]) -> None:
    path = runs(f"20260101-000001-{NOBODY}")
    ran = groundloop("local", "clean")
    assert (ran.code, ran.error) == (1, "nothing was removed: add --yes to remove them without confirmation")
    assert path.exists()


def test_clean_without_runs_says_so(groundloop: Groundloop) -> None:
    ran = groundloop("local", "clean")
    assert (ran.code, ran.out) == (0, "no ended run has a folder in .groundloop/\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--labels", "a"], "--labels and --images go together", id="labels without images"),
        pytest.param(
            ["--demo", "--labels", "a", "--images", "b"], "give either --demo or --labels", id="two sets of labels"
        ),
    ],
)
def test_options_that_do_not_go_together(groundloop: Groundloop, arguments: list[str], message: str) -> None:
    ran = groundloop("local", *arguments)
    assert ran.code == 2
    assert message in ran.err
