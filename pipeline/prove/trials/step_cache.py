"""Paid: the step cache compares the value that a step's ExitMessage has, not the expression that names it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from groundloop.executions.control import RUNNING, Transition, steps, transition
from pipeline.prove.trial import Trial, TrialInstance
from pipeline.prove.trials.processing import processing_job
from pipeline.prove.verdict import Assumption, NotTriedError, Verdict, broke, held
from pipeline.prove.workbench import Workbench, job_seconds, prerequisite

_INSTANCE = "ml.t3.medium"
#: The messages of three executions, of whose jobs five run.
_MESSAGES = ("first", "first", "second")
_JOBS = 5
_JOB = TrialInstance("step cache", _INSTANCE, "Processing", 10 * _JOBS)
_OVERHEAD_SECONDS = 900
_INPUT = "/opt/ml/processing/input/data"
#: On one line and within the 256 characters that a container's entry point may have.
_SAY = "import pathlib, sys; pathlib.Path(sys.argv[2]).write_text(sys.argv[1])"
_READ = "import pathlib, sys; print(sorted(pathlib.Path(sys.argv[1]).iterdir()))"

BY_VALUE = Assumption(
    "cache-exit-message",
    "A step whose S3Uri is joined of another step's ExitMessage comes from the cache when the message is the same, and "
    "runs when it is another.",
    "Train would run in every execution, or would never see new data.",
    "A pipeline of two jobs, executed three times: the first says a word, the second reads what lies under it.",
    "Amazon SageMaker developer guide, 'Caching pipeline steps'; sagemaker-python-sdk issue 3392",
)


def _run(bench: Workbench) -> Iterator[Verdict]:
    sagemaker, name = bench.client("sagemaker"), bench.name("step-cache")
    bench.keep_prefix()
    seconds = bench.allotment.seconds[_JOB.use] // _JOBS
    request = {
        "PipelineName": name, "PipelineDefinition": json.dumps(cache_definition(bench, seconds)),
        "RoleArn": bench.config.aws.role, "Tags": bench.tags,
    }  # fmt: skip
    with prerequisite():
        for message in dict.fromkeys(_MESSAGES):
            bench.store(f"step-cache/{message}/data.txt", message.encode())
        bench.create("pipeline", name, lambda: sagemaker.create_pipeline(**request))
    bench.allotment.begin(_JOB.use)
    used, cached = 0.0, []
    for message in _MESSAGES:
        found = _executed(bench, name, message)
        for change in found.values():
            if change.job and not change.cached:
                job = sagemaker.describe_processing_job(ProcessingJobName=change.job)
                used += job_seconds("Processing", job)
        cached.append(found["Read"].cached)
    bench.allotment.ran(_JOB.use, used)
    _, equal, other = cached
    if equal and not other:
        yield held(BY_VALUE, "an equal message: from the cache; another one: the step ran")
    else:
        yield broke(BY_VALUE, f"from the cache: with an equal message {equal}, with another one {other}")


def _executed(bench: Workbench, pipeline: str, message: str) -> dict[str, Transition]:
    """Execute the pipeline with a message, and return its steps, which succeeded."""
    sagemaker, region = bench.client("sagemaker"), bench.config.aws.region
    parameters = [{"Name": "Message", "Value": message}]
    with prerequisite():
        started = sagemaker.start_pipeline_execution(PipelineName=pipeline, PipelineParameters=parameters)
    arn = started["PipelineExecutionArn"]
    bench.wait(
        "the execution",
        lambda: dict(sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)),
        "PipelineExecutionStatus",
        RUNNING,
        bench.allotment.seconds[_JOB.use] + _OVERHEAD_SECONDS,
    )
    found = {step["StepName"]: transition(step) for step in steps(region, arn)}
    if sorted(name for name, change in found.items() if change.status == "Succeeded") != ["Read", "Say"]:
        raise NotTriedError("; ".join(change.reason for change in found.values() if change.reason) or "it did not end")
    return found


def cache_definition(bench: Workbench, seconds: int) -> dict[str, Any]:
    """Return a definition of a job with a message and of a cached job that reads what lies under it."""
    say = processing_job(bench, [{"Get": "Parameters.Message"}, "/opt/ml/output/message"], seconds, _SAY)
    place = [bench.uri("step-cache"), {"Get": "Steps.Say.ExitMessage"}, "data.txt"]
    data = {
        "S3Uri": {"Std:Join": {"On": "/", "Values": place}},
        "LocalPath": _INPUT,
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
    }
    read = {
        **processing_job(bench, [_INPUT], seconds, _READ),
        "ProcessingInputs": [{"InputName": "data", "AppManaged": False, "S3Input": data}],
    }
    return {
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": [{"Name": "Message", "Type": "String", "DefaultValue": _MESSAGES[0]}],
        "Steps": [
            {"Name": "Say", "Type": "Processing", "Arguments": say},
            {
                "Name": "Read",
                "Type": "Processing",
                "Arguments": read,
                "CacheConfig": {"Enabled": True, "ExpireAfter": "P1D"},
            },
        ],
    }


TRIAL = Trial(
    "step-cache",
    (BY_VALUE,),
    ("a pipeline and three executions", f"{_JOBS} processing jobs", "2 text files in S3"),
    _run,
    (_JOB,),
)
