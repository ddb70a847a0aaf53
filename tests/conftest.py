"""No test may reach a real AWS, send the SDK's telemetry, or depend on the settings of whoever runs it."""

from __future__ import annotations

import functools
import gc
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

# Half of the usual: the suite runs on two cores at every change. HYPOTHESIS_PROFILE=default looks longer.
settings.register_profile("quick", max_examples=50)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# Containers usually say PYTHONDONTWRITEBYTECODE: then each run, each of its workers and each program that a test starts
# would compile the same files again, tens of processor seconds in all.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# In the background of a script Ctrl-C is ignored, which the programs that the tests start and interrupt would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A second thread of OpenBLAS spins while it has nothing to do, and the arrays of the tests are small.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Nearly all that collecting makes stays to the end: see pytest_collection_finish.
gc.disable()

pytest_plugins = [
    "tests.fixtures.browser",
    "tests.fixtures.cli",
    "tests.fixtures.definitions",
    "tests.fixtures.evaluation_files",
    "tests.fixtures.exported_models",
    "tests.fixtures.local_runs",
    "tests.fixtures.offline_aws",
    "tests.fixtures.recorded_calls",
    "tests.fixtures.s3",
    "tests.fixtures.scored_images",
    "tests.fixtures.shared",
]

# The flows take longest and wait most for what they start: with them at the beginning, the processes that share the
# tests end together. The first makes the execution that others of them continue.
_LONGEST = ("test_labels_to_endpoint", "test_first_run", "test_processes", "test_drift_loop", "test_human_loop")
_GIVEN = ("AWS_", "GROUNDLOOP_", "SAGEMAKER_")


@pytest.fixture(autouse=True, scope="session")
def no_real_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Made-up credentials, and an endpoint where nothing listens: a call that isn't meant to happen fails.

    Compiled definitions are kept for this run of the tests only, by all of its processes.
    """
    base = tmp_path_factory.getbasetemp()
    saved = dict(os.environ)
    kept = {"GROUNDLOOP_CHROMIUM", "GROUNDLOOP_PYSPARK", "GROUNDLOOP_PYTHON312"}
    for name in [name for name in os.environ if name.startswith(_GIVEN) and name not in kept]:
        del os.environ[name]
    os.environ.update(
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        GROUNDLOOP_CACHE_DIR=str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"),
    )
    yield
    os.environ.clear()
    os.environ.update(saved)


@pytest.fixture(autouse=True, scope="session")
def commands_built_once() -> Iterator[None]:
    """Typer builds the tree of commands at each call, which a program makes once and the tests a thousand times."""
    import typer.main
    import typer.testing

    built = functools.cache(typer.main.get_command)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", built)
        patch.setattr(typer.testing, "_get_command", built)
        yield


@pytest.fixture(autouse=True, scope="session")
def service_models_read_once() -> Iterator[None]:
    """boto3 parses megabytes of JSON for each session, which a program has once and the tests a thousand times."""
    import botocore.loaders
    import botocore.session

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.loaders.create_loader))
        yield


@pytest.fixture(autouse=True, scope="session")
def clients_made_once() -> Iterator[None]:
    """boto3 builds a class of hundreds of methods for each client: a program has a few, the tests thousands.

    Who changes a client, as a `Stubber` does, takes one of a session of its own: `boto3.Session().client`.
    """
    import boto3

    make, made = boto3.client, {}

    def client(service: str, **options: Any) -> Any:
        if options.keys() - {"region_name"}:
            return make(service, **options)
        settings = sorted(item for item in os.environ.items() if item[0].startswith("AWS_"))
        key = (service, options.get("region_name"), *settings)
        if key not in made:
            made[key] = make(service, **options)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boto3, "client", client)
        yield


@pytest.fixture(autouse=True, scope="session")
def client_methods_made_once() -> Iterator[None]:
    """Each client of SageMaker gets hundreds of methods, the same each time, and each offline AWS its own clients."""
    from botocore.client import ClientCreator

    make, made = ClientCreator._create_methods, {}

    def methods(self: Any, service_model: Any) -> dict[str, Any]:
        key = (service_model.service_name, service_model.api_version)
        if key not in made:
            made[key] = make(self, service_model)
        return dict(made[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientCreator, "_create_methods", methods)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The flows come first, those that take longest before the others."""

    def place(item: pytest.Item) -> int:
        if item.path.stem in _LONGEST:
            return _LONGEST.index(item.path.stem)
        return len(_LONGEST) + ("e2e" not in item.path.parts)

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: the garbage collector need not look through them each time."""
    gc.freeze()
    # Tests leave little behind, and looking for it as often as Python does takes a tenth of their time.
    gc.set_threshold(20_000)
    gc.enable()
