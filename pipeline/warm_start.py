"""The earlier searches that Tune starts from: `last` by its name, and whether they saw the same data."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, is_not_found
from groundloop.errors import UserError
from groundloop.executions.tuning import searches
from groundloop.spec.definition import Definition, parse_definition
from groundloop.spec.known_values import UNKNOWN, known
from groundloop.spec.tuning import TERMINAL
from pipeline.compiled import compiled_definition
from pipeline.config import Config
from steps.train.tuning import LAST


def resolve_warm_start(config: Config) -> Config:
    """Return the configuration with the names of the searches to start from, and whether their data are the same.

    Raises:
        UserError: there is no earlier search, or one of them has not ended.
    """
    tuning = config.training.tuning
    if not (tuning.enabled and tuning.warm_start):
        return config
    own = _own_searches(config)
    names = list(dict.fromkeys(_newest_ended(config, own) if name == LAST else name for name in tuning.warm_start))
    parents = [_describe(config, name) for name in names]
    data = tuning.warm_start_data
    if data == "auto":
        without = _with_tuning(config, {"warm_start": []})
        now, _ = parse_definition(json.loads(compiled_definition(without, "training")))
        same = all(_is_same(config, parent, now, own) for parent in parents)
        data = "same" if same else "new"
    return _with_tuning(config, {"warm_start": names, "warm_start_data": data})


def _with_tuning(config: Config, changes: dict[str, Any]) -> Config:
    tuning = config.training.tuning.model_copy(update=changes)
    return config.model_copy(update={"training": config.training.model_copy(update={"tuning": tuning})})


def _own_searches(config: Config) -> dict[str, str]:
    """Return the execution of each search of the pipeline, the newest first; none where there is no pipeline yet."""
    try:
        client("sagemaker", config.aws.region).describe_pipeline(PipelineName=config.pipeline.name)
    except ClientError as error:
        if not is_not_found(error):
            raise
        return {}
    return dict(searches(config.aws.region, config.pipeline.name))


def _newest_ended(config: Config, own: dict[str, str]) -> str:
    for name in own:
        if _describe(config, name, may_run=True)["HyperParameterTuningJobStatus"] in TERMINAL:
            return name
    raise UserError(
        f"training.tuning.warm_start is {LAST}, but pipeline {config.pipeline.name!r} has run no search that has "
        "ended: leave it empty for the first one, or name tuning jobs"
    )


def _describe(config: Config, name: str, *, may_run: bool = False) -> dict[str, Any]:
    try:
        described: dict[str, Any] = client("sagemaker", config.aws.region).describe_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name
        )
    except ClientError as error:
        if not is_not_found(error):
            raise
        raise UserError(
            f"training.tuning.warm_start: there is no tuning job {name!r} in {config.aws.region}; `groundloop tune "
            "show` names the newest"
        ) from None
    status = described["HyperParameterTuningJobStatus"]
    if status not in TERMINAL and not may_run:
        raise UserError(f"training.tuning.warm_start: {name} is {status}; a search starts from those that have ended")
    return described


def _is_same(config: Config, parent: dict[str, Any], now: Definition, own: dict[str, str]) -> bool:
    """Tell whether a search had the same static hyperparameters, image and data.

    What Prepare derives from the labels is known only when an execution runs, so what Prepare is asked for is
    compared instead.
    """
    execution = own.get(parent["HyperParameterTuningJobName"])
    if execution is None:  # of another pipeline
        return False
    job, earlier = now.steps_by_name["Tune"].arguments["TrainingJobDefinition"], parent["TrainingJobDefinition"]
    if job["AlgorithmSpecification"]["TrainingImage"] != earlier["AlgorithmSpecification"].get("TrainingImage"):
        return False
    theirs = earlier.get("StaticHyperParameters") or {}
    ours = {name: known(value, now) for name, value in job["StaticHyperParameters"].items()}
    if any(value is not UNKNOWN and theirs.get(name) != value for name, value in ours.items()):
        return False
    described = client("sagemaker", config.aws.region).describe_pipeline_definition_for_execution(
        PipelineExecutionArn=execution
    )
    then, _ = parse_definition(json.loads(described["PipelineDefinition"]))
    return _prepare(then) == _prepare(now)


def _prepare(definition: Definition) -> Any:
    """Return what decides on the data: Prepare's request, and the defaults of the parameters in it."""
    defaults = {name: parameter.default for name, parameter in definition.parameters.items()}
    given = ("InputManifest", "ReviewedManifest", "LabelAttribute")
    prepare = definition.steps_by_name.get("Prepare")
    return prepare and prepare.arguments, {name: defaults.get(name) for name in given}
