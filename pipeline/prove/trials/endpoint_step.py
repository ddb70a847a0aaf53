"""Paid by request: the pipeline's own EndpointConfig and Endpoint steps, run twice on a serverless endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from groundloop.executions.control import RUNNING, steps
from pipeline.compiled import compiled_definition
from pipeline.config import Config
from pipeline.prove.probe_config import changed, plain_deployment, probe_config
from pipeline.prove.trial import Trial
from pipeline.prove.trials.definitions import NO_NETWORK
from pipeline.prove.trials.serverless import MEMORY_MB, REQUESTS_USD
from pipeline.prove.trials.transform import create_model
from pipeline.prove.verdict import Assumption, NotTriedError, Outcome, Verdict, broke, held
from pipeline.prove.workbench import Workbench, is_missing
from pipeline.teardown import Resource

_SECONDS = 2400
_PAGE = "Amazon SageMaker developer guide, 'Pipelines steps', 'Deploy model (endpoint)'"

CREATES = Assumption(
    "endpoint-step-creates",
    "The EndpointConfig and Endpoint steps of the compiled definition create an endpoint.",
    "`deploy.mode: on_pass` would end with a red step after everything is paid for.",
    "A pipeline of just these two steps and the run's model.",
    _PAGE,
)
UPDATES = Assumption(
    "endpoint-step-updates",
    "The Endpoint step updates an endpoint that exists, also with Tags among its arguments.",
    "The second passing execution would fail; UpdateEndpoint has no Tags.",
    "The same pipeline once more.",
    _PAGE,
)


def _run(bench: Workbench) -> Iterator[Verdict]:
    config, name = _config(bench), bench.name("endpoint-step")
    # Under the configured name with a suffix, since the role's policy allows no other.
    endpoint = config.deploy.endpoint.name
    check_absent(bench, endpoint)
    bench.allotment.begin()
    model = create_model(bench, name)
    request = {
        "PipelineName": name,
        "PipelineDefinition": json.dumps(definition_of_steps(config, model)),
        "RoleArn": config.aws.role,
        "Tags": bench.tags,
    }
    bench.journal.create(Resource("endpoint", endpoint))
    bench.create("pipeline", name, lambda: bench.client("sagemaker").create_pipeline(**request))
    for assumption in (CREATES, UPDATES):
        verdict = _executed(bench, assumption, name, endpoint)
        yield verdict
        if verdict.outcome is Outcome.BROKE:
            raise NotTriedError("the endpoint was not created")


def check_absent(bench: Workbench, endpoint: str) -> None:
    """Make sure that the endpoint, which is removed afterwards, is nobody else's."""
    try:
        bench.client("sagemaker").describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if is_missing(error):
            return
        raise
    raise NotTriedError(f"there is an endpoint {endpoint!r}, which this proof has not made: delete it")


def _executed(bench: Workbench, assumption: Assumption, pipeline: str, endpoint: str) -> Verdict:
    """Run the two steps once and look at what the endpoint serves."""
    sagemaker = bench.client("sagemaker")
    arn = sagemaker.start_pipeline_execution(PipelineName=pipeline)["PipelineExecutionArn"]
    described = bench.wait(
        "the execution",
        lambda: dict(sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)),
        "PipelineExecutionStatus",
        RUNNING,
        _SECONDS,
    )
    if described["PipelineExecutionStatus"] != "Succeeded":
        failed = [step for step in steps(bench.config.aws.region, arn) if step["StepStatus"] == "Failed"]
        step = failed[0] if failed else {}
        reason = step.get("FailureReason") or described.get("FailureReason", "")
        return broke(assumption, f"{step.get('StepName', 'the execution')} failed", reason)
    served = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    if not served.endswith(arn.rsplit("/", 1)[-1]):
        return broke(assumption, f"the endpoint serves {served}, not this execution's config")
    return held(assumption, f"the endpoint serves {served}")


def _config(bench: Workbench) -> Config:
    deploy = plain_deployment(bench.config, "on_pass", serverless={"memory_mb": MEMORY_MB, "max_concurrency": 1})
    return changed(probe_config(bench.config, bench.run), {"deploy": deploy, "aws": NO_NETWORK})


def definition_of_steps(config: Config, model: str) -> dict[str, Any]:
    """Return the definition with nothing left of the steps but EndpointConfig and Endpoint, for a model by name."""
    whole = json.loads(compiled_definition(config, "training"))
    found = {step["Type"]: {key: value for key, value in step.items() if key != "DependsOn"} for step in _all(whole)}
    of_endpoint = [found["EndpointConfig"], found["Endpoint"]]
    of_endpoint[0]["Arguments"]["ProductionVariants"][0]["ModelName"] = model
    text = json.dumps(of_endpoint)
    parameters = [item for item in whole["Parameters"] if f"Parameters.{item['Name']}" in text]
    return {**whole, "Parameters": parameters, "Steps": of_endpoint}


def _all(holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return every step, those in branches too."""
    for key in ("Steps", "IfSteps", "ElseSteps"):
        for step in holder.get(key, []):
            yield step
            yield from _all(step["Arguments"])


TRIAL = Trial(
    "endpoint-step",
    (CREATES, UPDATES),
    ("a model", "a pipeline and 2 executions", "2 endpoint configs", "a serverless endpoint"),
    _run,
    requests_usd=REQUESTS_USD,
)
