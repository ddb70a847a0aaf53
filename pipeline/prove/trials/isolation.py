"""Paid: the run's training job again, without any network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.prove.probe_config import TRAIN_INSTANCE
from pipeline.prove.trial import Trial, TrialInstance
from pipeline.prove.trials.transform import require_trained
from pipeline.prove.verdict import Assumption, Verdict, broke, held
from pipeline.prove.workbench import Workbench

_TRAIN = TrialInstance("isolated training", TRAIN_INSTANCE, "Training", 20)
#: Members that describe a job as well as CreateTrainingJob asks for it.
_AGAIN = ("AlgorithmSpecification", "RoleArn", "InputDataConfig", "ResourceConfig", "HyperParameters")

ISOLATED = Assumption(
    "training-isolated",
    "With EnableNetworkIsolation the algorithm still starts from ImageNet weights and reads its input in Pipe mode.",
    "`aws.network.isolation` would fail every training, or start it from scratch.",
    "The run's training job again with EnableNetworkIsolation and use_pretrained_model=1.",
    "Amazon SageMaker developer guide, 'Run Training and Inference Containers in Internet-Free Mode'",
)


def _run(bench: Workbench) -> Iterator[Verdict]:
    job = bench.client("sagemaker").describe_training_job(TrainingJobName=require_trained(bench).training_job)
    request: dict[str, Any] = {member: job[member] for member in _AGAIN}
    # What DescribeTrainingJob adds to what was asked for.
    algorithm = {"TrainingImage", "TrainingInputMode"}
    request["AlgorithmSpecification"] = {
        key: value for key, value in job["AlgorithmSpecification"].items() if key in algorithm
    }
    described = bench.run_job(
        "Training",
        _TRAIN.use,
        {
            **request,
            "TrainingJobName": bench.name("isolated"),
            "OutputDataConfig": {"S3OutputPath": bench.uri("isolated"), **bench.output_key},
            "EnableNetworkIsolation": True,
        },
    )
    if described["TrainingJobStatus"] == "Completed":
        yield held(ISOLATED, "the isolated training job completed")
    else:
        status, reason = described["TrainingJobStatus"], described.get("FailureReason", "")
        yield broke(ISOLATED, f"the isolated training job is {status}", reason)


TRIAL = Trial("isolation", (ISOLATED,), ("a training job and its model in S3",), _run, (_TRAIN,))
