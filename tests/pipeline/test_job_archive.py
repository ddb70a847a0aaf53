"""The job archives: the same code has the same name, and only what a job runs decides on it."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest

from pipeline.job_archive import JobArchive, _imported_by, job_archive
from steps import bootstrap

ROOT = Path(__file__).resolve().parents[2]


def names(archive: JobArchive) -> set[str]:
    return set(zipfile.ZipFile(io.BytesIO(archive.content)).namelist())


@pytest.mark.parametrize("job", ["prepare", "evaluate"])
def test_the_same_code_gives_the_same_bytes(job: str) -> None:
    first = job_archive(job)
    job_archive.cache_clear()
    assert job_archive(job).sha256 == first.sha256


def test_the_key_carries_the_hash() -> None:
    archive = job_archive("prepare")
    assert archive.uri("bucket", "some/prefix") == (
        f"s3://bucket/some/prefix/code/{archive.sha256}/groundloop-prepare.py"
    )


def test_evaluates_code_is_no_part_of_prepare() -> None:
    """Else a change to the scores would run Prepare again, and with it the training."""
    inside = names(job_archive("prepare"))
    assert {"groundloop/labels/manifest.py", "steps/prepare/job.py", "steps/jobs.py", "__main__.py"} <= inside
    assert not [name for name in inside if name.startswith(("groundloop/detections/", "steps/evaluate/"))]


def test_what_no_job_imports_is_left_out() -> None:
    """Statistics are for the command line: a change there must not run anything again."""
    for job in ("prepare", "evaluate"):
        assert "groundloop/labels/statistics.py" not in names(job_archive(job))


def test_what_is_imported_later_is_there_too() -> None:
    """Evaluate imports the evaluators when it scores, not before."""
    assert {"groundloop/detections/coco.py", "groundloop/detections/transform_output.py"} <= names(
        job_archive("evaluate")
    )


def test_templates_travel_with_the_package_that_reads_them(tmp_path: Path) -> None:
    archive = job_archive("evaluate")
    folder = ROOT / "groundloop" / "report" / "templates"
    templates = {f"groundloop/report/templates/{path.name}" for path in folder.iterdir()}
    assert templates <= names(archive)
    assert not [name for name in names(job_archive("prepare")) if "templates" in name]
    path = tmp_path / "evaluate.py"
    path.write_bytes(archive.content)
    code = "from groundloop.report import templating; print(templating.__file__, templating.render('tables.html'))"
    ran = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{path}:{Path(msgspec.__file__).parents[1]}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(str(path)), "it is read from the archive"


@pytest.mark.parametrize("condition", ["TYPE_CHECKING", "typing.TYPE_CHECKING"])
def test_imports_for_the_type_checker_alone_are_left_out(
    condition: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "groundloop"
    package.mkdir()
    imports = f"if {condition}:\n    import groundloop.types\nelse:\n    import groundloop.fallback\n"
    for name, source in {"job": imports, "types": "", "fallback": "", "__init__": ""}.items():
        (package / f"{name}.py").write_text(source)
    monkeypatch.setattr("pipeline.job_archive._ROOT", tmp_path)
    found = {path.stem for path in _imported_by("groundloop.job")}
    assert found == {"__init__", "job", "fallback"}


@pytest.mark.parametrize("job", ["prepare", "evaluate"])
def test_what_only_describes_a_step_is_left_out(job: str) -> None:
    assert not [name for name in names(job_archive(job)) if name.endswith(("step.py", "settings.py", "building.py"))]


@pytest.mark.parametrize("job", ["prepare", "evaluate"])
def test_an_archive_runs_by_itself(job: str, tmp_path: Path) -> None:
    """As in the container: no package of ours is importable but from the archive."""
    packages = Path(msgspec.__file__).parents[1]  # where the installed ones are; -S leaves our own out
    path = tmp_path / f"{job}.py"
    path.write_bytes(job_archive(job).content)
    ran = subprocess.run(
        [sys.executable, "-S", str(path), "--help"],
        cwd=tmp_path,
        env={"GROUNDLOOP_REQUIREMENTS": "preinstalled", "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "--message-file" in ran.stdout


@pytest.mark.parametrize("job", ["prepare", "evaluate"])
def test_the_jobs_pins_are_the_projects(job: str) -> None:
    """What runs in the container (Python 3.12) is what is tested here."""
    locked = (ROOT / "requirements.lock").read_text().splitlines()
    for pin in (ROOT / "steps" / job / "requirements.txt").read_text().splitlines():
        if pin and not pin.startswith("#"):
            assert [line for line in locked if re.fullmatch(re.escape(pin) + r"( ;.*(>= '3\.1[12]').*)?", line)], pin


def test_only_what_is_missing_is_installed() -> None:
    from importlib.metadata import version

    here = version("msgspec")
    assert bootstrap.missing(f"# a comment\n\nmsgspec=={here}\nmsgspec==0.0.1\nno-such-package==1.0\n") == [
        "msgspec==0.0.1",
        "no-such-package==1.0",
    ]
