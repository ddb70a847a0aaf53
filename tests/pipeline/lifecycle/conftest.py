"""One offline AWS with a tiny stand-in for a model, on which each test has a project of its own."""

from __future__ import annotations

import itertools
import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest

from groundloop.local import ImageStandIn, LocalAws
from groundloop.local.errors import JobError
from groundloop.local.serving import Answer
from pipeline.config import Config, load_config
from tests.fixtures.cli import CommandResult, Groundloop

ROOT = Path(__file__).resolve().parents[3]
STAND_IN = ROOT / "tests" / "groundloop" / "local" / "stand_in.py"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/stand-in:1"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def image_stand_ins() -> dict[str, ImageStandIn]:
    command = [sys.executable, "-I", "-S", str(STAND_IN)]
    return {"/stand-in:": ImageStandIn(serve=[*command, "serve", "{opt_ml}"])}


@pytest.fixture
def quick(jobs_here: None, models_here: None) -> None:
    """Deploy jobs and model servers are no programs, and whoever starts one waits for it rather than asking again.

    That saves a second for each deployment; test_approval has some run as they do.
    """


@pytest.fixture
def job_client() -> Callable[[str], Any]:
    """Makes the clients of deploy jobs that run in this process."""
    return cast("Callable[[str], Any]", boto3.client)


@pytest.fixture
def run_here(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have processing jobs run in this process, as calls of these functions by the name of the job."""
    from groundloop.local.jobs.processing import ProcessingJob

    def run_here(**mains: Callable[[list[str]], int]) -> None:
        def run_program(self: ProcessingJob, command: list[str], environment: dict[str, str]) -> int:
            named = [re.fullmatch(r".*/groundloop-(\w+)\.py", text) for text in command]
            at, archive = next((at, found) for at, found in enumerate(named) if found)
            return mains[archive[1]](command[at + 1 :])

        monkeypatch.setattr(ProcessingJob, "run_program", run_program)

    return run_here


@pytest.fixture
def jobs_here(run_here: Callable[..., None], job_client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run deploy jobs in this process; they have ended when they are started."""
    from groundloop.local.api.jobs import Jobs
    from groundloop.local.jobs.processing import ProcessingJob
    from steps.deploy import job

    launch = Jobs._launch

    def launch_and_wait(self: Jobs, job_type: Any, *request: Any) -> Any:
        launched = launch(self, job_type, *request)
        if job_type is ProcessingJob:
            launched.join()
        return launched

    monkeypatch.setattr(job, "core_session", lambda region: SimpleNamespace(create_client=job_client))
    monkeypatch.setattr(job, "say", lambda text: None)
    run_here(deploy=job.main)
    monkeypatch.setattr(Jobs, "_launch", launch_and_wait)


@pytest.fixture
def models_here(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answer for models without their servers; an endpoint is in service when its creation or update is requested."""
    from groundloop.local.api.endpoints import Endpoints
    from groundloop.local.serving import ModelServer

    def start(self: ModelServer, *_: Any, **__: Any) -> None:
        model = self._folder / "model"
        model.mkdir(parents=True, exist_ok=True)
        self._bring(model)
        if (model / "broken").exists():
            raise JobError("AlgorithmError", "this model is broken")

    def invoke(self: ModelServer, *_: Any, **__: Any) -> Answer:
        model = self._folder / "model"
        names = [file.name for file in model.iterdir()]
        given = "answer.json" in names
        answer = (model / "answer.json").read_bytes() if given else json.dumps({"model": names}).encode()
        return Answer(200, "application/json", answer)

    monkeypatch.setattr(ModelServer, "start", start)
    monkeypatch.setattr(ModelServer, "invoke", invoke)
    monkeypatch.setattr(Endpoints, "_deploy", Endpoints._bring_up)


@dataclass(frozen=True)
class Project:
    """A configuration with names of its own, its group, and plain boto3 to look at what became of it."""

    aws: LocalAws
    arguments: list[str]
    config: Config
    scratch: Path

    @property
    def name(self) -> str:
        return self.config.pipeline.name

    def changed(self, *assignments: str) -> Project:
        """The same names with other settings."""
        added = [text for assignment in assignments for text in ("-s", assignment)]
        given = [text for text in [*self.arguments, *added] if text not in ("-s", "-c")][1:]
        return Project(
            self.aws,
            [*self.arguments, *added],
            load_config([ROOT / "configs" / "local.yaml"], given, environment={}),
            self.scratch,
        )

    def upsert(self, *, new: bool = False) -> None:
        """Group, job code and deploy pipeline as upsert makes them; for training something small of its parameters.

        `new`: there is nothing of this name yet.
        """
        from pipeline.compiled import compiled_definition
        from pipeline.job_archive import job_archive

        sagemaker, archive = boto3.client("sagemaker"), job_archive("deploy")
        key = archive.key(self.config.aws.prefix)
        boto3.client("s3").put_object(Bucket="groundloop-local", Key=key, Body=archive.content)
        if not sagemaker.list_model_package_groups(NameContains=self.config.registry.group)[
            "ModelPackageGroupSummaryList"
        ]:
            sagemaker.create_model_package_group(ModelPackageGroupName=self.config.registry.group)
        training = {
            "Version": "2020-12-01",
            "Parameters": [{"Name": "Epochs", "Type": "Integer", "DefaultValue": 1}],
            "Steps": [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "no training here"}}],
        }
        definitions = {
            self.config.pipeline.name: json.dumps(training),
            self.config.pipeline.deploy_name: compiled_definition(self.config, "deploy"),
        }
        there = [] if new else sagemaker.list_pipelines(PipelineNamePrefix=self.name)["PipelineSummaries"]
        names = [item["PipelineName"] for item in there]
        for name, definition in definitions.items():
            put = sagemaker.update_pipeline if name in names else sagemaker.create_pipeline
            put(PipelineName=name, PipelineDefinition=definition, RoleArn=self.config.aws.role)

    def put(self, key: str, content: bytes) -> str:
        boto3.client("s3").put_object(Bucket="groundloop-local", Key=f"{self.name}/{key}", Body=content)
        return f"s3://groundloop-local/{self.name}/{key}"

    def register(
        self, *, broken: bool = False, status: str = "PendingManualApproval", answer: str = "", **metrics: Any
    ) -> str:
        """A version that answers with its name among its model's files, or as given; `broken`: it never comes up."""
        from groundloop.local.archive import pack

        number = next(_numbers)
        folder = self.scratch / f"model-{number}"
        folder.mkdir()
        (folder / ("broken" if broken else f"model-{number}")).write_text("1")
        if answer:
            (folder / "answer.json").write_text(answer)
        archive = self.scratch / f"model-{number}.tar.gz"
        pack(folder, archive)
        evaluation = {"map": 0.5, "map_50": 0.8, "voc_map": 0.7, "count": {"mae": 0.25}, "threshold": 0.4, **metrics}
        created = boto3.client("sagemaker").create_model_package(
            ModelPackageGroupName=self.config.registry.group,
            ModelApprovalStatus=status,
            InferenceSpecification={
                "Containers": [{"Image": IMAGE, "ModelDataUrl": self.put(f"m/{number}.tar.gz", archive.read_bytes())}],
                "SupportedContentTypes": ["image/jpeg"],
            },
            CustomerMetadataProperties={
                "evaluation": self.put(f"e/{number}/evaluation.json", json.dumps(evaluation).encode()),
                "summary": self.put(f"e/{number}/summary.json", json.dumps({"classes": ["bolt"]}).encode()),
                "test_manifest": f"s3://groundloop-local/{self.name}/test.manifest",
            },
        )
        return str(created["ModelPackageArn"])

    def decide(self, arn: str, status: str) -> None:
        """As Studio does it."""
        boto3.client("sagemaker").update_model_package(ModelPackageArn=arn, ModelApprovalStatus=status)

    def executions(self) -> list[dict[str, Any]]:
        """Executions of the deploy pipeline once none of them runs, oldest first."""
        until = time.monotonic() + 60
        while self.aws.contents()["running execution"]:
            assert time.monotonic() < until, "an execution does not end"
            time.sleep(0.02)
        found: list[dict[str, Any]] = boto3.client("sagemaker").list_pipeline_executions(
            PipelineName=self.config.pipeline.deploy_name, SortOrder="Ascending"
        )["PipelineExecutionSummaries"]
        return found

    def statuses(self) -> list[str]:
        return [item["PipelineExecutionStatus"] for item in self.executions()]

    def failure(self) -> str:
        """Why the newest execution's job failed."""
        steps = boto3.client("sagemaker").list_pipeline_execution_steps(
            PipelineExecutionArn=self.executions()[-1]["PipelineExecutionArn"]
        )["PipelineExecutionSteps"]
        return str(steps[0]["FailureReason"])

    def endpoint(self) -> dict[str, Any]:
        found: dict[str, Any] = boto3.client("sagemaker").describe_endpoint(EndpointName=self.name)
        return found

    def answers(self) -> str:
        """The model that answers a request."""
        answer = boto3.client("sagemaker-runtime").invoke_endpoint(EndpointName=self.name, Body=b"x")
        return str(json.loads(answer["Body"].read())["model"][0])

    def made(self) -> tuple[list[str], list[str]]:
        """Names of the endpoint configs and models that there are for the endpoint."""
        sagemaker = boto3.client("sagemaker")
        configs = sagemaker.list_endpoint_configs(NameContains=self.name, MaxResults=100)["EndpointConfigs"]
        models = sagemaker.list_models(NameContains=self.name, MaxResults=100)["Models"]
        return [item["EndpointConfigName"] for item in configs], [item["ModelName"] for item in models]


@pytest.fixture
def project(aws: LocalAws, tmp_path: Path) -> Project:
    """A project with its pipelines and its group, and nothing registered."""
    name = f"p{next(_numbers)}x"
    given = [
        f"pipeline={{name: {name}, deploy_name: {name}-deploy}}",
        f"registry={{group: {name}, approval_status: PendingManualApproval}}",
        f"deploy={{mode: on_approval, endpoint: {{name: {name}}}}}",
    ]
    overlay = ROOT / "configs" / "local.yaml"
    made = Project(
        aws,
        ["-c", str(overlay), *(text for assignment in given for text in ("-s", assignment))],
        load_config([overlay], given, environment={}),
        tmp_path,
    )
    made.upsert(new=True)
    return made


@pytest.fixture
def triggered(project: Project) -> Project:
    """The same with its triggers applied."""
    from pipeline.triggers import apply_triggers

    apply_triggers(project.config)
    return project


@pytest.fixture
def groundloop(project: Project, groundloop: Groundloop) -> Groundloop:
    """Run a command with the project's configuration, or that of a changed project."""

    def run(*arguments: str, given: Project = project, typed: str = "") -> CommandResult:
        return groundloop(*arguments, *given.arguments, stdin=typed)

    return run
