"""Entry point of a job archive (its `__main__.py`): installs the job's requirements, then runs the job.

Runs before anything is installed, so it uses the standard library only, and never changes the environment that
it runs in: packages are installed to a folder of their own.
"""

from __future__ import annotations

import importlib
import os
import sys
import zipimport

JOB_FILE, REQUIREMENTS_FILE = "job.txt", "requirements.txt"


def missing(requirements: str) -> list[str]:
    """Return the `name==version` lines that this environment doesn't satisfy exactly."""
    lines = [line.strip() for line in requirements.splitlines()]
    return [line for line in lines if line and not line.startswith("#") and not _installed(*line.split("=="))]


def _installed(name: str, version: str) -> bool:
    import importlib.metadata

    try:
        return importlib.metadata.version(name) == version
    except importlib.metadata.PackageNotFoundError:
        return False


def install(requirements: list[str], folder: str) -> None:
    """Install requirements to a folder and put it first on the import path."""
    import subprocess

    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    if subprocess.run([*command, "--target", folder, *requirements], check=False).returncode:
        sys.exit(
            f"groundloop: pip could not install {' '.join(requirements)}. Without a way to a package index, set "
            "processing.image_uri to an image that holds them and processing.requirements to preinstalled."
        )
    sys.path.insert(0, folder)


def main() -> int:
    """Install the missing requirements, run the job and return its exit code."""
    archive = zipimport.zipimporter(sys.path[0])
    job = _read(archive, JOB_FILE)
    requirements = _read(archive, REQUIREMENTS_FILE)
    if os.environ.get("GROUNDLOOP_REQUIREMENTS", "install") == "install" and (lacking := missing(requirements)):
        import tempfile

        install(lacking, tempfile.mkdtemp(prefix="groundloop-requirements-"))
    result: int = importlib.import_module(job).main()
    return result


def _read(archive: zipimport.zipimporter, name: str) -> str:
    return archive.get_data(os.path.join(archive.archive, name)).decode()  # noqa: PTH118  a path inside a file


if __name__ == "__main__":
    sys.exit(main())
