"""Labelling jobs for bounding boxes, which people work on in the worker portal.

`groundloop.local.portal.labeling_job` does the work; here are the operations, and what AWS refuses. The rules of the
requests are those of `groundloop.spec.labeling_jobs`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from groundloop.local.api.paging import in_order, page, within
from groundloop.local.api.portal import PortalHost
from groundloop.local.api.rules import event_of
from groundloop.local.api.tags import Tags
from groundloop.local.api.workteams import Workteams
from groundloop.local.context import Context, now
from groundloop.local.crowd_template import CrowdTemplate, TemplateError
from groundloop.local.errors import JobError, in_use, invalid, not_found
from groundloop.local.human_work import RUNNING, LabelingJob
from groundloop.local.moto_server import has_bucket
from groundloop.local.s3 import S3
from groundloop.spec.labeling_jobs import TaskType, labeling_job_problems, task_type_of

EVENT = "SageMaker Ground Truth Labeling Job State Change"
_ECHOED = (
    "LabelingJobName",
    "LabelAttributeName",
    "InputConfig",
    "OutputConfig",
    "RoleArn",
    "LabelCategoryConfigS3Uri",
    "StoppingConditions",
    "LabelingJobAlgorithmsConfig",
    "HumanTaskConfig",
)


class LabelingJobs:
    """All labelling jobs of one offline AWS. Their names are unique for ever, and whatever their case."""

    def __init__(self, context: Context, tags: Tags, portal: PortalHost, workteams: Workteams) -> None:
        self._context, self._tags, self._portal, self._workteams = context, tags, portal, workteams
        self._jobs: dict[str, LabelingJob] = {}
        self._on_event: Callable[[dict[str, Any]], None] = lambda event: None

    def on_event(self, callback: Callable[[dict[str, Any]], None]) -> None:
        """Have a function called with the EventBridge event of each job that ends."""
        self._on_event = callback

    def _ended(self, job: LabelingJob) -> None:
        self._on_event(event_of(self._context, EVENT, job.arn, {"LabelingJobStatus": job.status}))

    def state(self) -> list[dict[str, Any]]:
        """Return all labelling jobs as JSON values and times."""
        return [job.state() for job in self._jobs.values()]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Take over what `state` returned; the people go on where they were."""
        for item in state:
            job = LabelingJob.from_state(item)
            self._jobs[job.name.lower()] = job
            if job.status in RUNNING:
                self._portal.add_labeling_job(job, self._ended)

    def count_running(self) -> int:
        """Count the jobs that people work on."""
        return sum(job.status in RUNNING for job in self._jobs.values())

    def create_labeling_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Open a labelling job as a queue of the worker portal."""
        self._check(request)
        name = request["LabelingJobName"]
        members = self._workteams.members(request["HumanTaskConfig"]["WorkteamArn"])
        with self._context.lock:
            if name.lower() in self._jobs:
                raise in_use(
                    f"Labeling job names must be unique within an AWS account and region, and a labeling job named "
                    f"{name} already exists."
                )
            created = now()
            job = LabelingJob(request, self._context.arn(f"labeling-job/{name.lower()}"), members, created, created)
            self._jobs[name.lower()] = job
            self._tags.set(job.arn, request)
        self._portal.add_labeling_job(job, self._ended)
        return {"LabelingJobArn": job.arn}

    def _check(self, request: dict[str, Any]) -> None:
        """Refuse what AWS refuses, and by name what is not played."""
        _check_played(request)
        self._workteams.check(request["HumanTaskConfig"]["WorkteamArn"])
        if problems := list(labeling_job_problems(request)):
            raise invalid("; ".join(problems))
        source = request["InputConfig"]["DataSource"]["S3DataSource"]["ManifestS3Uri"]
        self._read(source, "ManifestS3Uri")
        categories = self._read(request["LabelCategoryConfigS3Uri"], "LabelCategoryConfigS3Uri")
        verifies = task_type_of(request) is TaskType.VERIFICATION
        if verifies:
            _check_verdicts(categories)
        template = self._read(request["HumanTaskConfig"]["UiConfig"]["UiTemplateS3Uri"], "UiTemplateS3Uri")
        try:
            CrowdTemplate.parse(template.decode("utf-8", "replace"), verifies=verifies)
        except TemplateError as error:
            raise invalid(str(error)) from None
        bucket = request["OutputConfig"]["S3OutputPath"].removeprefix("s3://").partition("/")[0]
        if not has_bucket(self._context.account, bucket):
            raise invalid(f"OutputConfig.S3OutputPath: there is no bucket {bucket}.")

    def _read(self, uri: str, member: str) -> bytes:
        try:
            return S3(self._context.account).read(uri)
        except JobError as error:
            raise invalid(f"{member}: {error.text}") from None

    def _job(self, request: dict[str, Any]) -> LabelingJob:
        name = request["LabelingJobName"]
        self._portal.settle()
        try:
            return self._jobs[name.lower()]
        except KeyError:
            raise not_found(f"Could not find labeling job {name}.") from None

    def describe_labeling_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the state of a labelling job, with all answers given so far."""
        job = self._job(request)
        return {
            **{member: job.request.get(member) for member in _ECHOED},
            **_summary(job),
            "JobReferenceCode": _reference_code(job),
            "Tags": self._tags.of(job.arn),
        }

    def list_labeling_jobs(self, request: dict[str, Any]) -> dict[str, Any]:
        """List labelling jobs by name, status and time."""
        self._portal.settle()
        found = [
            job
            for job in self._jobs.values()
            if request.get("NameContains", "").lower() in job.name.lower()
            and request.get("StatusEquals", job.status) == job.status
            and _created_within(request, job.created)
            and within(request, job.modified, "LastModifiedTimeAfter", "LastModifiedTimeBefore")
        ]
        keys = {"CreationTime": lambda job: job.created, "Name": lambda job: job.name, "Status": lambda job: job.status}
        listed = [_summary(job) for job in in_order(found, request, keys, "Descending")]
        return page(listed, request, "LabelingJobSummaryList", default=10)

    def list_labeling_jobs_for_workteam(self, request: dict[str, Any]) -> dict[str, Any]:
        """List the labelling jobs of a workteam, as its members see them."""
        self._portal.settle()
        self._workteams.check(request["WorkteamArn"])
        found = [
            job
            for job in self._jobs.values()
            if job.request["HumanTaskConfig"]["WorkteamArn"] == request["WorkteamArn"]
            and request.get("JobReferenceCodeContains", "") in _reference_code(job)
            and _created_within(request, job.created)
        ]
        listed = [
            {
                "LabelingJobName": job.name,
                "JobReferenceCode": _reference_code(job),
                "WorkRequesterAccountId": self._context.account,
                "CreationTime": job.created,
                "LabelCounters": {
                    "HumanLabeled": _counters(job)["HumanLabeled"],
                    "PendingHuman": len(job.lines) - len(job.results) if job.status in RUNNING else 0,
                    "Total": job.total,
                },
                "NumberOfHumanWorkersPerDataObject": job.request["HumanTaskConfig"][
                    "NumberOfHumanWorkersPerDataObject"
                ],
            }
            for job in in_order(found, request, {"CreationTime": lambda job: job.created}, "Descending")
        ]
        return page(listed, request, "LabelingJobSummaryList", default=10)

    def stop_labeling_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Stop a labelling job: what is labelled by then is in its output manifest."""
        job = self._job(request)
        if job.status not in ("Initializing", "InProgress"):
            raise invalid(f"The request was rejected because the labeling job {job.name} is in status {job.status}.")
        job.status, job.modified = "Stopping", now()
        self._portal.wake()
        return {}


def _check_played(request: dict[str, Any]) -> None:
    """Refuse by name what the offline AWS does not play."""
    task = request["HumanTaskConfig"]
    task_type = task_type_of(request)
    if task_type is None:
        arn = task.get("PreHumanTaskLambdaArn")
        raise invalid(
            f"Labeling jobs with PreHumanTaskLambdaArn {arn} are not played offline: only those for bounding boxes "
            f"({', '.join(f'PRE-{one.value}' for one in TaskType)}) are."
        )
    if "S3DataSource" not in request["InputConfig"]["DataSource"]:
        raise invalid("Streaming labeling jobs (SnsDataSource) are not played offline: give an S3DataSource.")
    if request.get("LabelingJobAlgorithmsConfig"):
        raise invalid("Automated data labeling (LabelingJobAlgorithmsConfig) is not played offline.")


def _check_verdicts(categories: bytes) -> None:
    """Refuse verdicts that the portal's page, which draws boxes, has no place for."""
    try:
        count = len(json.loads(categories)["labels"])
    except (ValueError, LookupError, TypeError):
        return  # the job fails and says why
    if count != 2:
        raise invalid(
            f"Label verification jobs with {count} categories are not played offline: give two, first the one for "
            "labels that are right."
        )


def _created_within(request: dict[str, Any], created: datetime) -> bool:
    return within(request, created, "CreationTimeAfter", "CreationTimeBefore")


def _reference_code(job: LabelingJob) -> str:
    """Return the code that workers see in place of the job's name."""
    return job.name.lower()


def _counters(job: LabelingJob) -> dict[str, int]:
    labelled = sum(result["label"] is not None for result in job.results.values())
    failed = len(job.results) - labelled
    return {
        "TotalLabeled": labelled,
        "HumanLabeled": labelled,
        "MachineLabeled": 0,
        "FailedNonRetryableError": failed,
        "Unlabeled": job.total - labelled - failed,
    }


def _summary(job: LabelingJob) -> dict[str, Any]:
    task = job.request["HumanTaskConfig"]
    is_written = bool(job.results) or job.status in ("Completed", "Stopped")
    return {
        "LabelingJobName": job.name,
        "LabelingJobArn": job.arn,
        "CreationTime": job.created,
        "LastModifiedTime": job.modified,
        "LabelingJobStatus": job.status,
        "LabelCounters": _counters(job),
        "WorkteamArn": task["WorkteamArn"],
        "PreHumanTaskLambdaArn": task["PreHumanTaskLambdaArn"],
        "AnnotationConsolidationLambdaArn": task["AnnotationConsolidationConfig"]["AnnotationConsolidationLambdaArn"],
        "FailureReason": job.failure,
        "LabelingJobOutput": {"OutputDatasetS3Uri": job.output} if is_written else None,
        "InputConfig": job.request["InputConfig"],
    }
