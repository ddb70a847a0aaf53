"""Entry point of a job archive (its `__main__.py`): installs the job's requirements, then runs the job.

Runs before anything is installed, so it uses the standard library only, and never changes the environment that
it runs in: packages are installed to a folder of their own.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import subprocess
import sys
import tempfile
import zipfile

JOB_FILE, REQUIREMENTS_FILE = "job.txt", "requirements.txt"


def missing(requirements: str) -> list[str]:
    """Return the `name==version` lines that this environment doesn't satisfy exactly."""
    lines = [line.strip() for line in requirements.splitlines()]
    return [line for line in lines if line and not line.startswith("#") and not _installed(*line.split("=="))]


def _installed(name: str, version: str) -> bool:
    try:
        return importlib.metadata.version(name) == version
    except importlib.metadata.PackageNotFoundError:
        return False


def install(requirements: list[str], folder: str) -> None:
    """Install requirements to a folder and put it first on the import path."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    if subprocess.run([*command, "--target", folder, *requirements], check=False).returncode:
        sys.exit(
            f"groundloop: pip could not install {' '.join(requirements)}. Without a way to a package index, set "
            "processing.image_uri to an image that holds them and processing.requirements to preinstalled."
        )
    sys.path.insert(0, folder)


def main() -> int:
    """Install the missing requirements, run the job and return its exit code."""
    archive = zipfile.ZipFile(sys.path[0])
    with archive:
        job = archive.read(JOB_FILE).decode()
        requirements = archive.read(REQUIREMENTS_FILE).decode()
    if os.environ.get("GROUNDLOOP_REQUIREMENTS", "install") == "install" and (lacking := missing(requirements)):
        install(lacking, tempfile.mkdtemp(prefix="groundloop-requirements-"))
    result: int = importlib.import_module(job).main()
    return result


if __name__ == "__main__":
    sys.exit(main())
