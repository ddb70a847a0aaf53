"""An empty AWS in this process, and the configuration that upsert and plan are given."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from groundloop.aws import client
from groundloop.local.moto_server import reset
from pipeline.config import Config, load_config
from pipeline.job_archive import JobArchive

LOCAL = Path(__file__).resolve().parents[3] / "configs" / "local.yaml"


@dataclass
class Memory:
    """What is in an AWS in this process.

    Attributes:
        deployed: the AWS is as an upsert left it: nothing has been written since.
        plan: the file of a plan that was made for it; None until there is one.
    """

    deployed: bool = False
    plan: bytes | None = None

    def clear(self) -> None:
        """Empty the AWS, but for the bucket."""
        reset()
        client("s3", "us-east-1").create_bucket(Bucket="groundloop-local")
        self.deployed, self.plan = False, None


@pytest.fixture(scope="module")
def memory() -> Iterator[Memory]:
    """One moto for a module, and the clients with it, which take longer to make than what they do here."""
    found, call = Memory(), BaseClient._make_api_call

    def noted(self: BaseClient, operation: str, request: dict[str, Any]) -> Any:
        if not operation.startswith(("Describe", "Get", "Head", "List")):
            found.deployed, found.plan = False, None
        return call(self, operation, request)

    client.cache_clear()
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", noted)
        yield found
    client.cache_clear()


@pytest.fixture
def no_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices can't be asked for."""

    def unreachable() -> Any:
        raise EndpointConnectionError(endpoint_url="https://api.pricing.us-east-1.amazonaws.com")

    monkeypatch.setattr("pipeline.plan.prices.pricing_client", unreachable)


@pytest.fixture
def aws(memory: Memory, no_prices: None) -> Any:
    """An AWS with the bucket and nothing else; gives its SageMaker client."""
    memory.clear()
    return client("sagemaker", "us-east-1")


@pytest.fixture
def configured() -> Callable[..., Config]:
    """`local.yaml`, deploying on approval, with assignments."""
    return lambda *assignments: load_config([LOCAL], ["deploy.mode=on_approval", *assignments], environment={})


@pytest.fixture
def deployed(memory: Memory, no_prices: None, configured: Callable[..., Config]) -> Any:
    """The same AWS after an upsert, triggers included, and one execution; that of the test before if it only looked."""
    from pipeline.upsert import put_triggers, upsert_pipelines

    sagemaker = client("sagemaker", "us-east-1")
    if not memory.deployed:
        memory.clear()
        upsert_pipelines(configured())
        put_triggers(configured())
        sagemaker.start_pipeline_execution(PipelineName="groundloop")
        memory.deployed = True
    return sagemaker


@pytest.fixture
def edit(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Changes the code of a job: its archive gets a line more in `steps/<job>/job.py`."""
    from pipeline import job_archive as bundle

    def change(job: str) -> None:
        original = bundle.job_archive(job)
        buffer = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(original.content)) as old, zipfile.ZipFile(buffer, "w") as new:
            for item in old.infolist():
                more = b"\n# edited\n" if item.filename == f"steps/{job}/job.py" else b""
                new.writestr(item, old.read(item) + more)
        edited = JobArchive(job, buffer.getvalue())

        def archive(name: str) -> JobArchive:
            return edited if name == job else bundle.job_archive(name)

        monkeypatch.setattr("pipeline.definition.job_archive", archive)
        monkeypatch.setattr("pipeline.desired.job_archive", archive)
        monkeypatch.setattr("pipeline.kept_texts.code_sha256", lambda: edited.sha256)

    return change
