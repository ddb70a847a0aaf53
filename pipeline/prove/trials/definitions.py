"""Free: CreatePipeline checks a definition at once, so AWS says what it accepts before anything runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import error_code, error_message
from pipeline.compiled import compiled_definition
from pipeline.config import Config
from pipeline.prove.probe_config import changed, plain_deployment, probe_config
from pipeline.prove.trial import Trial
from pipeline.prove.verdict import Assumption, Verdict, broke, held
from pipeline.prove.workbench import Workbench

_CREATE = "CreatePipeline of it, then DeletePipeline; nothing is started."
_PAGE = "Amazon SageMaker developer guide, 'Pipelines steps' and 'CreatePipeline'"

TRAINING = Assumption(
    "definition-training",
    "CreatePipeline accepts the pipeline from labels to endpoint as it is configured.",
    "Nothing can be started otherwise. It holds JsonGet and Join in hyperparameters, in the metadata of the model "
    "package and in the model card, and ExitMessage in the S3Uri of a channel, of which AWS shows no sample.",
    _CREATE,
    _PAGE,
)
DEPLOY = Assumption(
    "definition-deploy",
    "CreatePipeline accepts the pipeline that deploys a model package.",
    "An approved version would not reach the endpoint.",
    _CREATE,
    _PAGE,
)
IN_BRANCH = Assumption(
    "definition-endpoint-in-branch",
    "EndpointConfig and Endpoint steps may stand in the branch of a Condition, with retry policies.",
    "`deploy.mode: on_pass` could not be upserted; the guide's list of steps with retry policies lacks them.",
    _CREATE,
    "Amazon SageMaker developer guide, 'Pipelines steps' and 'Retry Policy for Pipeline Steps'",
)
SERVERLESS = Assumption(
    "definition-serverless",
    "An EndpointConfig step takes a ServerlessConfig.",
    "`deploy.endpoint.serverless` could not be upserted.",
    _CREATE,
    "Amazon SageMaker developer guide, 'Pipelines steps' and 'Serverless Inference'",
)
DEPLOY_JOB = Assumption(
    "definition-deploy-job",
    "A Processing step may carry the Deploy job's specification in its container arguments.",
    "Autoscaling, canary traffic and A/B variants could not be upserted.",
    _CREATE,
    "Amazon SageMaker API reference, 'AppSpecification'",
)
AFTER_BRANCH = Assumption(
    "definition-condition-after-branch",
    "A Condition at the top level may depend on a step in the branch of another Condition.",
    "The decision whether to deploy stands after the registration that way.",
    _CREATE,
    "Amazon SageMaker developer guide, 'Add a step', 'Condition step'",
)
NESTED = Assumption(
    "definition-nested-condition",
    "CreatePipeline refuses a Condition in the branch of a Condition.",
    "The guide says that it is unsupported, yet public definitions exist that ran. `groundloop check` keeps to the "
    "guide (nested-condition), and no definition of groundloop has one. Either outcome is information: when AWS "
    "accepts it, the finding is stricter than AWS.",
    "CreatePipeline of a small definition with one, which the guide leads to expect to be refused.",
    "Amazon SageMaker developer guide, 'Add a step', 'Condition step'",
)

_ENDPOINTS: dict[Assumption, dict[str, Any]] = {
    IN_BRANCH: {},
    SERVERLESS: {"serverless": {"memory_mb": 4096, "max_concurrency": 1}},
    DEPLOY_JOB: {"autoscaling": {"min_instances": 1, "max_instances": 2, "target": 100.0}},
}
#: What a serverless endpoint excludes.
NO_NETWORK = {"network": {"subnets": [], "security_groups": [], "isolation": False}}


def _run(bench: Workbench) -> Iterator[Verdict]:
    config = as_configured(bench)
    yield _asked(bench, TRAINING, compiled_definition(config, "training"))
    yield _asked(bench, DEPLOY, compiled_definition(config, "deploy"))
    retry = bench.config.execution.retry.model_dump()
    for assumption, endpoint in _ENDPOINTS.items():
        deploy = plain_deployment(bench.config, "on_pass", **endpoint)
        overlay = {"deploy": deploy, "aws": NO_NETWORK, "execution": {"retry": retry}}
        variant = changed(probe_config(bench.config, bench.run), overlay)
        yield _asked(bench, assumption, compiled_definition(variant, "training"))
    yield _asked(bench, AFTER_BRANCH, json.dumps(_conditions(bench, nested=False)))
    yield _asked(bench, NESTED, json.dumps(_conditions(bench, nested=True)), refused=True)


def as_configured(bench: Workbench) -> Config:
    """Return the user's configuration under this proof's names."""
    names = probe_config(bench.config, bench.run).pipeline.model_dump()
    return changed(bench.config, {"pipeline": names})


def _asked(bench: Workbench, assumption: Assumption, definition: str, refused: bool = False) -> Verdict:
    """Create a pipeline of a definition and delete it.

    Args:
        refused: the assumption is that AWS does not take it.
    """
    name, sagemaker = bench.name(assumption.id.removeprefix("definition-")), bench.client("sagemaker")
    members = {
        "PipelineName": name, "PipelineDefinition": definition, "RoleArn": bench.config.aws.role, "Tags": bench.tags
    }  # fmt: skip
    try:
        bench.create("pipeline", name, lambda: sagemaker.create_pipeline(**members))
    except ClientError as error:
        if error_code(error) not in {"ValidationException", "ValidationError"}:
            raise
        if refused:
            return held(assumption, f"refused: {error_message(error)}")
        return broke(assumption, f"CreatePipeline refused {len(definition)} characters", error_message(error))
    if refused:
        text = (
            "CreatePipeline accepted it, so check's nested-condition is stricter than AWS; "
            "whether such an execution runs was not tried"
        )
        return broke(assumption, text)
    return held(assumption, f"CreatePipeline accepted {len(definition)} characters")


def _conditions(bench: Workbench, *, nested: bool) -> dict[str, Any]:
    """Return a definition with two Conditions: one in the other's branch, or one after a step in the other's branch."""
    from pipeline import sdk  # noqa: F401  (first: the SDK can't be imported without a region)
    from steps.train.step import algorithm_image_uri

    stop = _step("Stop", "Fail", {"ErrorMessage": "not started"})
    container = {"Image": algorithm_image_uri(bench.config.aws.region), "ModelDataUrl": bench.uri("model.tar.gz")}
    model = _step("Made", "Model", {"ExecutionRoleArn": bench.config.aws.role, "PrimaryContainer": container})
    inner = _condition("Second", [stop])
    outer = _condition("First", [inner if nested else model])
    steps = [outer] if nested else [outer, {**inner, "DependsOn": ["Made"]}]
    return {
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": [{"Name": "Epochs", "Type": "Integer", "DefaultValue": 1}],
        "Steps": steps,
    }


def _step(name: str, kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Arguments": arguments}


def _condition(name: str, then: list[dict[str, Any]]) -> dict[str, Any]:
    test = {"Type": "GreaterThan", "LeftValue": {"Get": "Parameters.Epochs"}, "RightValue": 0}
    return _step(name, "Condition", {"Conditions": [test], "IfSteps": then, "ElseSteps": []})


TRIAL = Trial(
    "definitions",
    (TRAINING, DEPLOY, IN_BRANCH, SERVERLESS, DEPLOY_JOB, AFTER_BRANCH, NESTED),
    ("7 pipelines, never started and deleted",),
    _run,
)
