"""One offline AWS for the modules that run trials, and clients whose answers a test gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from groundloop.local import LocalAws
from pipeline.config import Config, load_config
from pipeline.doctor.region import container_images
from pipeline.doctor.role_policy import policies
from pipeline.prove.allotment import Allotment
from pipeline.prove.journal import Journal, Place
from pipeline.prove.probe_config import role_config
from pipeline.prove.workbench import Workbench
from tests.fixtures.cli import CommandResult, Groundloop

ROOT = Path(__file__).resolve().parents[3]
LOCAL = ROOT / "configs" / "local.yaml"
BUCKET, ACCOUNT, RUN = "groundloop-local", "123456789012", "0123abcd"
VPC = "aws.network={subnets: [subnet-0abc], security_groups: [sg-0abc]}"


def configured(*assignments: str) -> Config:
    """Return the offline AWS's configuration with settings over it."""
    return load_config([LOCAL], assignments, environment={})


@pytest.fixture(scope="module")
def printed_role(aws: LocalAws) -> None:
    """Give the role of the offline AWS just what `groundloop prove --policy` prints."""
    config = role_config(configured(VPC))
    documents = policies(config, container_images(config))
    iam, name = boto3.client("iam"), config.aws.role.rsplit("/", 1)[-1]
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(documents["TrustPolicy"]))
    iam.put_role_policy(RoleName=name, PolicyName="printed", PolicyDocument=json.dumps(documents["RolePolicy"]))


def left_over() -> dict[str, list[str]]:
    """Return what there is in the offline AWS's SageMaker and bucket, by kind; only kinds with something."""
    sagemaker = boto3.client("sagemaker")
    pipelines = sagemaker.list_pipelines()["PipelineSummaries"]
    configs = sagemaker.list_endpoint_configs()["EndpointConfigs"]
    groups = sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    found = {
        "pipelines": [item["PipelineName"] for item in pipelines],
        "models": [item["ModelName"] for item in sagemaker.list_models()["Models"]],
        "endpoint configs": [item["EndpointConfigName"] for item in configs],
        "endpoints": [item["EndpointName"] for item in sagemaker.list_endpoints()["Endpoints"]],
        "package groups": [item["ModelPackageGroupName"] for item in groups],
        "objects": [item["Key"] for item in boto3.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])],
        "running jobs": [
            job[f"{kind}JobName"]
            for kind in ("Processing", "Training", "Transform")
            for job in getattr(sagemaker, f"list_{kind.lower()}_jobs")(StatusEquals="InProgress")[f"{kind}JobSummaries"]
        ],
    }
    return {kind: names for kind, names in found.items() if names}


Prove = Callable[..., CommandResult]


@pytest.fixture
def prove(tmp_path: Path, groundloop: Groundloop) -> Prove:
    """Run `groundloop prove` on the offline AWS's configuration, with its files in the test's folder."""

    def run(*arguments: str, stdin: str = "") -> CommandResult:
        given = ["--output", str(tmp_path / "proof"), "-c", str(LOCAL), *arguments]
        return groundloop("prove", *given, stdin=stdin)

    return run


@pytest.fixture
def stubs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Stubber]]:
    """Clients of AWS with answers that fit the service's model; each has to be asked all that it expects."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    made: dict[str, Stubber] = {}

    def stub(service: str) -> Stubber:
        if service not in made:
            made[service] = Stubber(boto3.Session(region_name="us-east-1").client(service))
            made[service].activate()
        return made[service]

    yield stub
    for each in made.values():
        each.assert_no_pending_responses()


@pytest.fixture
def bench(tmp_path: Path, stubs: Callable[[str], Stubber]) -> Iterator[Callable[..., Workbench]]:
    """Make a workbench on stubbed clients."""
    journals = []

    def make(config: Config | None = None, **seconds: int) -> Workbench:
        journal = Journal(tmp_path / "bench")
        journals.append(journal)
        journal.begin(Place(RUN, "us-east-1", ACCOUNT, ""))
        allotment = Allotment(seconds, dict.fromkeys(seconds, 0.0), 0.0)
        clients: Callable[[str], Any] = lambda service: stubs(service).client  # noqa: E731
        return Workbench(config or configured(), RUN, clients, journal, allotment, lambda _: None)

    yield make
    for journal in journals:
        journal.close()
