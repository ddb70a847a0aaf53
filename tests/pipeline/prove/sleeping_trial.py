"""`groundloop prove` with one trial, whose job sleeps: something to interrupt. Can be run as a program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pipeline.prove import catalogue
from pipeline.prove.trial import Trial, TrialInstance
from pipeline.prove.verdict import Assumption, Verdict, held
from pipeline.prove.workbench import Workbench

SLEEPS = Assumption("sleeps", "A job sleeps.", "It is interrupted.", "By sleeping.", "None.")
WAITS = Assumption("waits", "It waits for its turn.", "It is not asked for.", "By nothing.", "None.")


def _run(bench: Workbench) -> Iterator[Verdict]:
    sagemaker, name, role = bench.client("sagemaker"), bench.name("sleeping"), bench.config.aws.role
    bench.store("object", b"content")
    job: dict[str, Any] = {
        "RoleArn": role,
        "AppSpecification": {
            "ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/python:3",
            "ContainerEntrypoint": ["python3", "-c", "import time; time.sleep(120)"],
        },
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.t3.medium", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
    }
    steps = [{"Name": "Sleep", "Type": "Processing", "Arguments": job}]
    definition = json.dumps({"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": steps})
    request = {"PipelineName": name, "PipelineDefinition": definition, "RoleArn": role}
    bench.create("pipeline", name, lambda: sagemaker.create_pipeline(**request))
    sagemaker.start_pipeline_execution(PipelineName=name)
    described = bench.run_job("Processing", "job", {"ProcessingJobName": name, **job})
    yield held(SLEEPS, described["ProcessingJobStatus"])


TRIALS = (
    Trial("sleeping", (SLEEPS,), (), _run, (TrialInstance("job", "ml.t3.medium", "Processing", 10),)),
    Trial("waiting", (WAITS,), (), lambda _: iter(())),
)

if __name__ == "__main__":
    catalogue.TRIALS = TRIALS

    from pipeline.cli import main

    main()
