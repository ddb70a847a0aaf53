"""What only the SageMaker SDK can tell, kept between commands: compiled definitions, the jobs' container images.

The SDK takes seconds to import, and a definition changes rarely. So a definition is kept in the user's cache folder
under a key of everything that it depends on: the configuration, the code of both halves, the versions of Python,
the SDK and its helpers. Another key is another file, so nothing that is kept can be out of date.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import platformdirs

from pipeline.config import Config

Kind = Literal["training", "deploy"]
_KINDS: tuple[Kind, ...] = ("training", "deploy")

#: The code that a definition depends on: what builds it, and what its job archives hold.
CODE_FOLDERS = tuple(Path(__file__).resolve().parents[1] / name for name in ("groundloop", "pipeline", "steps"))
#: Packages whose version shapes the definition: the SDK, its resource classes, the settings, image URIs and regions.
PACKAGES = ("sagemaker", "sagemaker-core", "pydantic", "boto3", "botocore")
MAX_AGE_DAYS = 30

# Processes of `compile_ahead` that nobody has waited for.
_ahead: list[subprocess.Popen[str]] = []


def compiled_definition(config: Config, kind: Kind) -> str:
    """Return the JSON text of a pipeline's definition, compiled now or by an earlier command.

    Raises:
        ConfigError: the region does not exist, or has no image for the jobs.
    """
    return kept(config, kind, lambda: _compile(config, kind))


def kept(config: Config, kind: Kind | Literal["images"], make: Callable[[], str]) -> str:
    """Return a text that depends on the configuration, the code and the SDK; `make` makes it where none is kept."""
    file = cache_folder() / f"{cache_key(config, kind)}.json"
    text = _read(file)
    if text is None and _ahead:
        for process in _ahead:
            process.wait()
        _ahead.clear()
        text = _read(file)
    if text is None:
        text = make()
        # A folder that can't be written only costs the time to make it again.
        with contextlib.suppress(OSError):
            _write(file, text)
    return text


def compile_ahead(config: Config) -> None:
    """Compile the definitions in another process, for a command that needs them after other work.

    Nothing is done when they are kept already, or when this process has loaded the SDK. A failure is left to
    `compiled_definition`, which then compiles itself.
    """
    files = [cache_folder() / f"{cache_key(config, kind)}.json" for kind in _KINDS]
    if "sagemaker" in sys.modules or all(file.exists() for file in files):
        return
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.compiled"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None  # noqa: S101 (it is a pipe)
    with contextlib.suppress(OSError), process.stdin:
        process.stdin.write(config.model_dump_json())
    _ahead.append(process)


def cache_folder() -> Path:
    """Return the folder of compiled definitions: below `GROUNDLOOP_CACHE_DIR`, else the user's cache folder."""
    base = os.environ.get("GROUNDLOOP_CACHE_DIR") or platformdirs.user_cache_dir("groundloop", appauthor=False)
    return Path(base) / "definitions"


def cache_key(config: Config, kind: Kind | Literal["images"]) -> str:
    """Return the SHA-256 of everything that a definition, or the choice of images, depends on."""
    inputs = {
        "kind": kind,
        "config": config.model_dump(mode="json"),
        "code": code_sha256(),
        "packages": {package: version(package) for package in PACKAGES},
        "python": platform.python_version(),
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def code_sha256() -> str:
    """Return the SHA-256 of the names and contents of the code, templates and pinned requirements."""
    return _sha256_of(CODE_FOLDERS)


@functools.lru_cache(maxsize=4)
def _sha256_of(folders: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                content = path.read_bytes()
                digest.update(f"{folder.name}/{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
                digest.update(content)
    return digest.hexdigest()


def _compile(config: Config, kind: Kind) -> str:
    from pipeline.definition import compile_pipeline, deploy_pipeline, training_pipeline

    return compile_pipeline(deploy_pipeline(config) if kind == "deploy" else training_pipeline(config))


def _read(file: Path) -> str | None:
    """Return a kept definition; None when there is none, or not the whole of it."""
    try:
        checksum, _, definition = file.read_text(encoding="utf-8").partition("\n")
    except (OSError, UnicodeDecodeError):
        return None
    return definition if checksum == hashlib.sha256(definition.encode()).hexdigest() else None


def _write(file: Path, definition: str) -> None:
    """Keep a definition, and remove those that nothing has compiled for `MAX_AGE_DAYS`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, delete=False) as stream:
        stream.write(f"{hashlib.sha256(definition.encode()).hexdigest()}\n{definition}")
    Path(stream.name).replace(file)
    oldest = time.time() - MAX_AGE_DAYS * 86400
    for other in file.parent.iterdir():
        if other.stat().st_mtime < oldest:
            other.unlink(missing_ok=True)


def main() -> None:
    """Keep the definitions of the configuration that comes as JSON through standard input."""
    config = Config.model_validate_json(sys.stdin.read())
    for kind in _KINDS:
        compiled_definition(config, kind)


if __name__ == "__main__":
    main()
