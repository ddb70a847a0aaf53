"""Paid: the whole pipeline on 24 rendered images and one epoch."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from groundloop.executions.control import RUNNING, steps, stop, transition
from pipeline.compiled import compiled_definition
from pipeline.config import Config
from pipeline.demo.synthetic_images import write_dataset
from pipeline.desired import job_archives
from pipeline.prove.probe_config import EVALUATE, PREDICT, PREPARE, TRAIN, probe_config
from pipeline.prove.trial import Trial
from pipeline.prove.trials.role_in_use import ROLE, TRUST, differences, role_verdicts
from pipeline.prove.verdict import Assumption, NotTriedError, Verdict, broke, held, not_tried
from pipeline.prove.workbench import Trained, Workbench, job_seconds, prerequisite
from pipeline.reviewed_manifest import NO_LABELS, no_labels_key

IMAGES = 24
_RUN = f"The pipeline runs on {IMAGES} rendered images for one epoch; "
_GUIDE = "Amazon SageMaker developer guide, "
#: Steps without a job take seconds; a quarter of an hour is for them and for instances that come up.
_OVERHEAD_SECONDS = 900

IN_IMAGE = Assumption(
    "run-processing-image",
    "The processing jobs run in SageMaker's scikit-learn image: Python 3.12, and pip installs their pins.",
    "Prepare fails, and with it every execution.",
    _RUN + "the Prepare step succeeds.",
    "aws/sagemaker-scikit-learn-container, 'README'",
)
ON_GPU = Assumption(
    "run-training",
    f"The built-in algorithm trains on {TRAIN.instance_type} from augmented manifests in Pipe mode.",
    "The algorithm's page names instance families; the service checks the type when the job is created.",
    _RUN + "the Train step succeeds.",
    _GUIDE + "'Object Detection - MXNet'",
)
HYPERPARAMETERS = Assumption(
    "run-hyperparameters",
    "JsonGet and Join of Float parameters arrive in HyperParameters as strings that read as numbers.",
    "The algorithm would refuse them, or train with another learning rate.",
    _RUN + "DescribeTrainingJob shows what arrived.",
    _GUIDE + "'Pipelines steps', 'Property files and JsonGet'",
)
EXIT_MESSAGE = Assumption(
    "run-exit-message",
    "The ExitMessage of a processing job that succeeded is a property of its step, and can be a part of an S3Uri.",
    "Train would find no manifest: the training data lie under a name that Prepare hands over so.",
    _RUN + "DescribeTrainingJob shows where the channels lie.",
    _GUIDE + "'Save and Access Metadata Information About Your Processing Job' and 'Pipelines steps', 'Properties'",
)
JOB_NAMES = Assumption(
    "run-job-names",
    "The names of a pipeline's jobs and models begin with `pipelines-`.",
    "The printed role policy allows no others.",
    _RUN + "the steps' metadata tell the names.",
    _GUIDE + "'Pipelines steps'",
)
X_IMAGE = Assumption(
    "run-transform",
    "Batch Transform sends the objects of a ManifestFile to the algorithm as application/x-image.",
    "Predict fails, or there is nothing to evaluate.",
    _RUN + "the Predict step succeeds.",
    _GUIDE + "'Object Detection - MXNet' and the API reference, 'S3DataSource'",
)
EVALUATION = Assumption(
    "run-evaluation",
    "The Evaluate job finds the prediction of each image among the transform's outputs.",
    "The page on Batch Transform leaves open where the output of a nested key lies.",
    _RUN + "the Evaluate step succeeds.",
    _GUIDE + "'Use Batch Transform'",
)
GATE = Assumption(
    "run-gate",
    "A Condition compares numbers of a property file with parameters.",
    "No model would be registered.",
    _RUN + "the QualityGate step succeeds.",
    _GUIDE + "'Pipelines steps', 'Condition step'",
)
REGISTERED = Assumption(
    "run-register",
    "CreateModelPackage takes JsonGet in CustomerMetadataProperties and a model card joined of JsonGet's texts.",
    "Registration fails after the training is paid for; AWS shows no sample of either.",
    _RUN + "the package's card is JSON with the evaluation in it, and its metadata hold values.",
    _GUIDE + "'Model package model card schema' and the API reference, 'CreateModelPackage'",
)
AFTER_BRANCH = Assumption(
    "run-condition-after-register",
    "The decision whether to deploy is taken after the registration in another Condition's branch.",
    "A passed gate would not deploy, or a missed one would.",
    _RUN + "the DeployGate step ends after the Register step.",
    _GUIDE + "'Pipelines steps', 'Condition step'",
)
_OF_STEPS = {
    "Prepare": IN_IMAGE, "Train": ON_GPU, "Predict": X_IMAGE, "Evaluate": EVALUATION, "QualityGate": GATE,
}  # fmt: skip


def _run(bench: Workbench) -> Iterator[Verdict]:
    # Every call here prepares or looks: what the assumptions are about, the pipeline service does.
    with prerequisite():
        config = probe_config(bench.config, bench.run, bench.allotment.seconds)
        granted = differences(bench)
        found = followed(bench, _started(bench, config))
        _charge(bench, found)
        for name, assumption in _OF_STEPS.items():
            yield of_step(assumption, found, name)
        yield _names(found)
        yield from _trained(bench, found)
        yield _registered(bench, found)
        yield _after_branch(found)
        yield from role_verdicts(found, granted)


def _started(bench: Workbench, config: Config) -> str:
    """Upload labels, images and code, create group and pipeline, and start it."""
    with tempfile.TemporaryDirectory() as scratch:
        manifest = write_dataset(Path(scratch), IMAGES, f"{config.aws.bucket}/{config.aws.prefix}")
        for image in sorted((Path(scratch) / "images").iterdir()):
            bench.store(f"images/{image.name}", image.read_bytes())
        bench.store("labels/output.manifest", manifest.read_bytes())
    for archive in job_archives(config):
        bench.store(archive.key(config.aws.prefix).removeprefix(f"{config.aws.prefix}/"), archive.content)
    bench.store(no_labels_key(config.aws.prefix).removeprefix(f"{config.aws.prefix}/"), NO_LABELS)
    definition, sagemaker = compiled_definition(config, "training"), bench.client("sagemaker")
    group, name = config.registry.group, config.pipeline.name
    bench.create(
        "package group",
        group,
        lambda: sagemaker.create_model_package_group(ModelPackageGroupName=group, Tags=bench.tags),
    )
    request = {"PipelineName": name, "PipelineDefinition": definition, "RoleArn": config.aws.role, "Tags": bench.tags}
    bench.create("pipeline", name, lambda: sagemaker.create_pipeline(**request))
    bench.allotment.begin(*bench.allotment.seconds)
    arn = str(sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"])
    bench.tell(f"  started {arn}")
    return arn


def followed(bench: Workbench, arn: str) -> dict[str, dict[str, Any]]:
    """Wait for the execution's end and return its steps by name; one that takes too long is stopped."""
    sagemaker, region = bench.client("sagemaker"), bench.config.aws.region
    printed: set[str] = set()
    predicting_since: float | None = None

    def look() -> dict[str, Any]:
        nonlocal predicting_since
        for step in steps(region, arn):
            line = f"  {step['StepName']}: {step['StepStatus']}"
            if line not in printed:
                printed.add(line)
                bench.tell(line)
            if step["StepName"] == PREDICT.use and step["StepStatus"] == "Executing":
                predicting_since = predicting_since or time.monotonic()
                # A transform job has no stopping condition of its own.
                if time.monotonic() - predicting_since > bench.allotment.seconds[PREDICT.use]:
                    raise NotTriedError("Predict used up its time")
        answer: dict[str, Any] = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        return answer

    limit = sum(bench.allotment.seconds.values()) + _OVERHEAD_SECONDS
    try:
        bench.wait("the execution", look, "PipelineExecutionStatus", RUNNING, limit)
    except NotTriedError as error:
        bench.tell(f"  {error}: stopped")
        stop(region, arn, timeout_seconds=600)
    return {step["StepName"]: step for step in steps(region, arn)}


def _charge(bench: Workbench, found: dict[str, dict[str, Any]]) -> None:
    """Note how long each step's instance ran; a step that never started costs nothing."""
    sagemaker = bench.client("sagemaker")
    for instance in (PREPARE, TRAIN, PREDICT, EVALUATE):
        change = transition(found[instance.use]) if instance.use in found else None
        if change is None or not change.job:
            bench.allotment.ran(instance.use, 0)
            continue
        kind = change.kind.removesuffix("Job")
        described = getattr(sagemaker, f"describe_{kind.lower()}_job")(**{f"{kind}JobName": change.job})
        bench.allotment.ran(instance.use, job_seconds(kind, described))


def of_step(assumption: Assumption, found: dict[str, dict[str, Any]], name: str) -> Verdict:
    """Return the verdict on an assumption that holds if a step succeeds."""
    step = found.get(name)
    if step is None:
        failed = next((other for other in found.values() if other["StepStatus"] == "Failed"), None)
        return not_tried(
            assumption, f"{failed['StepName']} failed before {name}" if failed else f"{name} was not reached"
        )
    if step["StepStatus"] == "Succeeded":
        return held(assumption, f"{name} succeeded")
    reason = step.get("FailureReason", "")
    if step["StepStatus"] == "Failed" and not re.search("ResourceLimitExceeded|CapacityError", reason):
        return broke(assumption, f"{name} failed", reason)
    return not_tried(assumption, f"{name} is {step['StepStatus']}", reason)


def _names(found: dict[str, dict[str, Any]]) -> Verdict:
    arns = [data["Arn"] for step in found.values() for data in step.get("Metadata", {}).values() if "Arn" in data]
    names = [arn.rpartition("/")[2] for arn in arns if ":model-package/" not in arn]
    if not names:
        return not_tried(JOB_NAMES, "no step made anything")
    if others := [name for name in names if not name.startswith("pipelines-")]:
        return broke(JOB_NAMES, f"another name: {others[0]}")
    return held(JOB_NAMES, f"{len(names)} names, such as {names[0]}")


def _trained(bench: Workbench, found: dict[str, dict[str, Any]]) -> Iterator[Verdict]:
    """Look at the training job, and keep its model for later trials."""
    change = transition(found["Train"]) if "Train" in found else None
    if change is None or not change.job:
        yield not_tried(HYPERPARAMETERS, "no training job was made")
        yield of_step(EXIT_MESSAGE, found, "Train")
        return
    job = bench.client("sagemaker").describe_training_job(TrainingJobName=change.job)
    yield _message(bench, found, job)
    arrived = job.get("HyperParameters", {})
    numbers = {"num_classes": int, "num_training_samples": int, "label_width": int, "learning_rate": float}
    wrong = [f"{name}: {arrived.get(name)!r}" for name, kind in numbers.items() if not _reads(arrived.get(name), kind)]
    if wrong:
        yield broke(HYPERPARAMETERS, f"not numbers: {', '.join(wrong)}")
    else:
        yield held(HYPERPARAMETERS, ", ".join(f"{name}={arrived[name]!r}" for name in numbers))
    if job["TrainingJobStatus"] == "Completed":
        image = job["AlgorithmSpecification"]["TrainingImage"]
        bench.trained = Trained(change.job, job["ModelArtifacts"]["S3ModelArtifacts"], image)


def _message(bench: Workbench, found: dict[str, dict[str, Any]], training_job: dict[str, Any]) -> Verdict:
    """Compare Prepare's ExitMessage with where the training job's channels lie."""
    prepare = transition(found["Prepare"]).job
    said = bench.client("sagemaker").describe_processing_job(ProcessingJobName=prepare).get("ExitMessage", "")
    uris = [channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in training_job["InputDataConfig"]]
    if said and all(uri.split("/")[-2] == said for uri in uris):
        return held(EXIT_MESSAGE, f"{said!r} is a part of {len(uris)} URIs")
    return broke(EXIT_MESSAGE, f"ExitMessage is {said!r}", ", ".join(uris))


def _reads(value: str | None, kind: Callable[[str], float]) -> bool:
    try:
        return value is not None and kind(value) > 0
    except ValueError:
        return False


def _registered(bench: Workbench, found: dict[str, dict[str, Any]]) -> Verdict:
    step = found.get("Register")
    if step is None or step["StepStatus"] != "Succeeded":
        return of_step(REGISTERED, found, "Register")
    arn = step["Metadata"]["RegisterModel"]["Arn"]
    package = bench.client("sagemaker").describe_model_package(ModelPackageName=arn)
    metadata = package.get("CustomerMetadataProperties", {})
    card = package.get("ModelCard", {}).get("ModelCardContent", "")
    try:
        content = json.loads(card)
    except ValueError:
        return broke(REGISTERED, "the model card is not JSON", card[:300])
    if unresolved := [key for key, value in metadata.items() if "Std:" in value or not value]:
        return broke(REGISTERED, f"metadata without a value: {', '.join(unresolved)}")
    if not content.get("evaluation_details"):
        return broke(REGISTERED, "the model card has no evaluation_details", card[:300])
    return held(REGISTERED, f"{len(metadata)} metadata values, a model card of {len(card)} characters")


def _after_branch(found: dict[str, dict[str, Any]]) -> Verdict:
    verdict = of_step(AFTER_BRANCH, found, "DeployGate")
    register, gate = found.get("Register", {}), found.get("DeployGate", {})
    if "EndTime" in register and "EndTime" in gate and gate["EndTime"] < register["EndTime"]:
        return broke(AFTER_BRANCH, "DeployGate ended before Register")
    return verdict


TRIAL = Trial(
    "pipeline-run",
    (
        ON_GPU, IN_IMAGE, EXIT_MESSAGE, X_IMAGE, EVALUATION, GATE, REGISTERED, HYPERPARAMETERS, AFTER_BRANCH, ROLE,
        TRUST, JOB_NAMES,
    ),
    (
        "a pipeline and one execution", "2 processing jobs, a training job, a transform job", "a model",
        "a model package group with one version", f"{IMAGES} images, labels and results in S3",
    ),
    _run,
    (PREPARE, TRAIN, PREDICT, EVALUATE),
)  # fmt: skip
