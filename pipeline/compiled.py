"""What only the SageMaker SDK can tell, kept between commands: compiled definitions, the jobs' container images.

The SDK takes seconds to import, and a definition changes rarely. So a definition is kept under a key of everything that
it depends on: the configuration, the code of both halves, the versions of Python, the SDK and its helpers.
"""

from __future__ import annotations

import contextlib
import functools
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Literal

from pipeline.config import Config
from pipeline.kept_texts import is_kept, kept_text, key_of, read_kept

Kind = Literal["training", "deploy", "predict", "monitor"]

#: Packages whose version shapes the definition: the SDK, its resource classes, the settings, image URIs and regions.
PACKAGES = ("sagemaker", "sagemaker-core", "pydantic", "boto3", "botocore")

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
    key = cache_key(config, kind)
    if _ahead and read_kept(key) is None:
        for process in _ahead:
            process.wait()
        _ahead.clear()
    return kept_text(key, make)


def compile_ahead(config: Config) -> None:
    """Compile the definitions in another process, for a command that needs them after other work.

    Nothing is done when they are kept already, or when this process has loaded the SDK. A failure is left to
    `compiled_definition`, which then compiles itself.
    """
    if "sagemaker" in sys.modules or all(is_kept(cache_key(config, kind)) for kind in _kinds(config)):
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


def cache_key(config: Config, kind: Kind | Literal["images"]) -> str:
    """Return the SHA-256 of everything that a definition, or the choice of images, depends on."""
    packages = {package: _installed_version(package) for package in PACKAGES}
    return key_of(kind, {"config": config.model_dump(mode="json"), "packages": packages})


@functools.cache
def _installed_version(package: str) -> str:
    # A file of thousands of lines is parsed each time.
    return version(package)


def _kinds(config: Config) -> list[Kind]:
    """Return the pipelines that upsert creates."""
    kinds: list[Kind] = ["training", "deploy"]
    kinds += ["predict"] if config.predict.input else []
    return [*kinds, "monitor"] if config.has_monitor else kinds


def _compile(config: Config, kind: Kind) -> str:
    from pipeline import definition

    build = {
        "training": definition.training_pipeline,
        "deploy": definition.deploy_pipeline,
        "predict": definition.predict_pipeline,
        "monitor": definition.monitor_pipeline,
    }
    return definition.compile_pipeline(build[kind](config))


def main() -> None:
    """Keep the definitions of the configuration that comes as JSON through standard input."""
    config = Config.model_validate_json(sys.stdin.read())
    for kind in _kinds(config):
        compiled_definition(config, kind)


if __name__ == "__main__":
    main()
