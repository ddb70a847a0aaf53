"""The request that creates a labelling job, built and checked without AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from groundloop.errors import UserError
from groundloop.spec.labeling_jobs import (
    LAMBDA_ACCOUNTS,
    MIN_OBJECTS_FOR_AUTO_LABELING,
    TaskType,
    attribute_problem,
    auto_labeling_algorithm_arn,
    consolidation_lambda_arn,
    is_public_workteam,
    labeling_job_problems,
    pre_lambda_arn,
)
from groundloop.spec.request_problems import request_problems

_MAX_TITLE, _MAX_DESCRIPTION = 128, 255


@dataclass(frozen=True, slots=True)
class HumanTask:
    """What workers are asked, and how often.

    Attributes:
        workteam: ARN.
        title: what they see in their list of tasks.
        description: a sentence more.
        workers: answers per image.
        time_limit_seconds: for one answer.
        availability_seconds: how long an image waits for its answers.
        max_concurrent: images that are given out at the same time; labelling jobs only.
    """

    workteam: str
    title: str
    description: str
    workers: int = 1
    time_limit_seconds: int = 3600
    availability_seconds: int = 30 * 24 * 3600
    max_concurrent: int = 1000


@dataclass(frozen=True, slots=True)
class AutoLabeling:
    """Automated labelling: a model labels what it is sure of, and learns from the workers' answers.

    Attributes:
        initial_model: ARN of the final model of an earlier job to begin with.
        volume_kms_key: encrypts the volumes of its training and inference.
    """

    initial_model: str | None = None
    volume_kms_key: str | None = None


@dataclass(frozen=True, slots=True)
class LabelingJob:
    """A labelling job for bounding boxes.

    Attributes:
        name: of the job.
        attribute: label attribute of the output manifest.
        task_type: draw, adjust or verify.
        region: AWS region.
        role: ARN of the role that Ground Truth assumes.
        task: what workers are asked.
        manifest_uri, categories_uri, template_uri: the job's input files in S3.
        objects: lines of the manifest.
        output_uri: S3 prefix; the job writes below `<prefix>/<name>/`.
        earlier: for adjustment and verification, the attribute of the labels to look at.
        max_objects: the job stops after so many were labelled by people.
        max_percent: the job stops after this share of the images, percent.
        auto_labeling: whether a model labels a part.
        kms_key: encrypts the output.
        tags: of the job.
    """

    name: str
    attribute: str
    task_type: TaskType
    region: str
    role: str
    task: HumanTask
    manifest_uri: str
    categories_uri: str
    template_uri: str
    objects: int
    output_uri: str
    earlier: str | None = None
    max_objects: int | None = None
    max_percent: int | None = None
    auto_labeling: AutoLabeling | None = None
    kms_key: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def create_labeling_job_request(job: LabelingJob) -> dict[str, Any]:
    """Return the arguments of CreateLabelingJob, checked against the API's model and Ground Truth's rules.

    Raises:
        UserError: AWS would refuse the request; the message has a line for each reason.
    """
    _check_job(job)
    request: dict[str, Any] = {
        "LabelingJobName": job.name,
        "LabelAttributeName": job.attribute,
        "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": job.manifest_uri}}},
        "OutputConfig": {"S3OutputPath": job.output_uri, **_kms(job.kms_key)},
        "RoleArn": job.role,
        "LabelCategoryConfigS3Uri": job.categories_uri,
        "HumanTaskConfig": {
            **human_task_members(job.task),
            "UiConfig": {"UiTemplateS3Uri": job.template_uri},
            "PreHumanTaskLambdaArn": pre_lambda_arn(job.region, job.task_type),
            "NumberOfHumanWorkersPerDataObject": job.task.workers,
            "MaxConcurrentTaskCount": job.task.max_concurrent,
            "AnnotationConsolidationConfig": {
                "AnnotationConsolidationLambdaArn": consolidation_lambda_arn(job.region, job.task_type)
            },
        },
    }
    stopping = {
        "MaxHumanLabeledObjectCount": job.max_objects,
        "MaxPercentageOfInputDatasetLabeled": job.max_percent,
    }
    if stopping := {name: value for name, value in stopping.items() if value is not None}:
        request["StoppingConditions"] = stopping
    if job.auto_labeling is not None:
        request["LabelingJobAlgorithmsConfig"] = _algorithms(job.region, job.auto_labeling)
    if job.tags:
        request["Tags"] = as_tags(job.tags)
    raise_problems(f"labelling job {job.name!r}", request_problems("CreateLabelingJob", request))
    raise_problems(f"labelling job {job.name!r}", list(labeling_job_problems(request)))
    return request


def human_task_members(task: HumanTask) -> dict[str, Any]:
    """Return the members that labelling jobs and flow definitions have in common."""
    return {
        "WorkteamArn": task.workteam,
        "TaskTitle": task.title[:_MAX_TITLE],
        "TaskDescription": " ".join(task.description.split())[:_MAX_DESCRIPTION],
        "TaskTimeLimitInSeconds": task.time_limit_seconds,
        "TaskAvailabilityLifetimeInSeconds": task.availability_seconds,
    }


def check_workteam(arn: str) -> None:
    """Check that a workteam is a private or a vendor's one.

    Raises:
        UserError: it is the public workforce.
    """
    if is_public_workteam(arn):
        raise UserError(
            "labeling.workteam is Amazon Mechanical Turk's: the public workforce takes no new work; give the ARN of a "
            "private workteam (aws sagemaker list-workteams) or of a vendor's"
        )


def as_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as requests have them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def raise_problems(what: str, problems: list[str]) -> None:
    """Raise what AWS would refuse.

    Args:
        what: the resource that is created, for the message.
        problems: one sentence each; none raises nothing.

    Raises:
        UserError: there are problems.
    """
    if problems:
        raise UserError("\n".join(f"{what}: {problem}" for problem in problems))


def _check_job(job: LabelingJob) -> None:
    """Check what leads to clearer messages than the request's members."""
    if job.region not in LAMBDA_ACCOUNTS:
        raise UserError(f"there is no Ground Truth in {job.region}; it is in {', '.join(sorted(LAMBDA_ACCOUNTS))}")
    if problem := attribute_problem(job.attribute, job.earlier):
        raise UserError(problem)
    if job.task_type.is_chained and job.earlier is None:
        raise UserError("adjustment and verification need the label attribute of the earlier labels")
    check_workteam(job.task.workteam)
    if job.auto_labeling is not None and job.objects < MIN_OBJECTS_FOR_AUTO_LABELING:
        raise UserError(
            f"automated labelling needs {MIN_OBJECTS_FOR_AUTO_LABELING:,} images, and there are {job.objects:,}: "
            "leave --auto-labeling out"
        )


def _algorithms(region: str, auto: AutoLabeling) -> dict[str, Any]:
    config: dict[str, Any] = {"LabelingJobAlgorithmSpecificationArn": auto_labeling_algorithm_arn(region)}
    if auto.initial_model:
        config["InitialActiveLearningModelArn"] = auto.initial_model
    if auto.volume_kms_key:
        config["LabelingJobResourceConfig"] = {"VolumeKmsKeyId": auto.volume_kms_key}
    return config


def _kms(key: str | None) -> dict[str, str]:
    return {"KmsKeyId": key} if key else {}
