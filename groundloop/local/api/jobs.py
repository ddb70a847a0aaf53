"""Create, describe, list and stop processing, training and transform jobs."""

from __future__ import annotations

from typing import Any, TypeVar

from groundloop.local.api.models import Models
from groundloop.local.api.paging import in_order, page, within
from groundloop.local.api.tags import Tags
from groundloop.local.context import Context
from groundloop.local.errors import in_use, invalid
from groundloop.local.jobs.job import TERMINAL, EndedJob, Job
from groundloop.local.jobs.processing import ProcessingJob
from groundloop.local.jobs.training import TrainingJob
from groundloop.local.jobs.transform import TransformJob

AnyJob = TypeVar("AnyJob", bound=Job)


class Jobs:
    """All jobs of one offline AWS. Names are unique per kind, for ever, as on AWS."""

    def __init__(self, context: Context, tags: Tags, models: Models) -> None:
        self._context, self._tags, self._models = context, tags, models
        self._jobs: dict[str, dict[str, Job | EndedJob]] = {"ProcessingJob": {}, "TrainingJob": {}, "TransformJob": {}}

    def state(self) -> list[dict[str, Any]]:
        """Return all jobs as JSON values and times."""
        return [
            {"kind": kind, "name": job.name, "modified": job.modified, "described": job.describe()}
            for kind, jobs in self._jobs.items()
            for job in jobs.values()
        ]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Take over what `state` returned, and send the jobs' logs to CloudWatch Logs again."""
        for item in state:
            job = EndedJob(self._context, item["kind"], item["described"], item["modified"])
            self._jobs[item["kind"]][job.name] = job
            job.ship_log()

    def _start(self, job_type: type[Job], request: dict[str, Any], *more: Any) -> dict[str, Any]:
        return {f"{job_type.kind}Arn": self._launch(job_type, request, *more).arn}

    def _launch(self, job_type: type[AnyJob], request: dict[str, Any], *more: Any) -> AnyJob:
        kind = job_type.kind
        name = request[f"{kind}Name"]
        with self._context.lock:
            # One folder per job name: the three kinds share it here, which AWS does not ask for.
            if any(name in jobs for jobs in self._jobs.values()):
                raise in_use(
                    f"Job names must be unique within an AWS account and region, and a job named {name} already exists"
                )
            job = job_type(self._context, request, *more)
            self._jobs[kind][name] = job
            self._tags.set(job.arn, request)
            job.start()
        return job

    def _job(self, kind: str, request: dict[str, Any]) -> Job | EndedJob:
        name = request[f"{kind}Name"]
        try:
            return self._jobs[kind][name]
        except KeyError:
            raise invalid(f"Could not find requested job with name: {name}") from None

    def _stop(self, kind: str, request: dict[str, Any]) -> dict[str, Any]:
        job = self._job(kind, request)
        if job.status in TERMINAL:
            raise invalid(f"The request was rejected because the {kind} {job.name} is in status {job.status}.")
        job.stop()
        return {}

    def _list(self, kind: str, request: dict[str, Any]) -> dict[str, Any]:
        found = [
            job
            # A copy: a search may start a job at any time.
            for job in list(self._jobs[kind].values())
            if request.get("NameContains", "") in job.name
            and request.get("StatusEquals", job.status) == job.status
            and within(request, job.created, "CreationTimeAfter", "CreationTimeBefore")
            and within(request, job.modified, "LastModifiedTimeAfter", "LastModifiedTimeBefore")
        ]
        keys = {"CreationTime": lambda job: job.created, "Name": lambda job: job.name, "Status": lambda job: job.status}
        described = [
            {**job.describe(), "LastModifiedTime": job.modified} for job in in_order(found, request, keys, "Descending")
        ]
        return page(described, request, f"{kind}Summaries", default=10)

    def create_processing_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a processing job."""
        return self._start(ProcessingJob, request)

    def describe_processing_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the state of a processing job."""
        return self._job("ProcessingJob", request).describe()

    def stop_processing_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask a processing job to stop."""
        return self._stop("ProcessingJob", request)

    def list_processing_jobs(self, request: dict[str, Any]) -> dict[str, Any]:
        """List processing jobs by name, status and time."""
        return self._list("ProcessingJob", request)

    def create_training_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a training job."""
        check_training(request)
        return self._start(TrainingJob, request)

    def start_training(self, request: dict[str, Any], note: str = "") -> TrainingJob:
        """Start a training job for another resource and return it; `note` is for its log."""
        return self._launch(TrainingJob, request, note)

    def describe_training_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the state of a training job."""
        return self._job("TrainingJob", request).describe()

    def stop_training_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask a training job to stop."""
        return self._stop("TrainingJob", request)

    def list_training_jobs(self, request: dict[str, Any]) -> dict[str, Any]:
        """List training jobs by name, status and time."""
        return self._list("TrainingJob", request)

    def create_transform_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a batch transform job with the container of its model."""
        if request["TransformInput"]["DataSource"]["S3DataSource"]["S3DataType"] == "AugmentedManifestFile":
            raise invalid(
                "Augmented manifest files are not supported by batch transform; use ManifestFile or S3Prefix."
            )
        return self._start(TransformJob, request, self._models.container(request["ModelName"]))

    def describe_transform_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the state of a batch transform job."""
        return self._job("TransformJob", request).describe()

    def stop_transform_job(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask a batch transform job to stop."""
        return self._stop("TransformJob", request)

    def list_transform_jobs(self, request: dict[str, Any]) -> dict[str, Any]:
        """List batch transform jobs by name, status and time."""
        return self._list("TransformJob", request)

    def stop_all(self) -> None:
        """Stop every job and wait for its end."""
        running = [job for jobs in self._jobs.values() for job in jobs.values() if job.status not in TERMINAL]
        for job in running:
            job.stop()
        for job in running:
            job.join()


def check_training(request: dict[str, Any]) -> None:
    """Check the rules across members that the service has and botocore's model does not state."""
    specification = request.get("AlgorithmSpecification")
    if not specification or not specification.get("TrainingImage"):
        raise invalid("AlgorithmSpecification.TrainingImage is required (the offline AWS runs no AlgorithmName).")
    for member in ("ResourceConfig", "StoppingCondition"):
        if not request.get(member):
            raise invalid(f"{member} is required.")
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig") or []]
    if len(set(names)) != len(names):
        raise invalid("Channel names must be unique.")
    if request.get("EnableManagedSpotTraining"):
        condition = request["StoppingCondition"]
        longest, run = condition.get("MaxWaitTimeInSeconds"), condition.get("MaxRuntimeInSeconds", 86400)
        if longest is None or longest < run:
            raise invalid(
                "MaxWaitTimeInSeconds above or equal to MaxRuntimeInSeconds is required for managed spot training."
            )
    elif request["StoppingCondition"].get("MaxWaitTimeInSeconds") is not None:
        raise invalid("MaxWaitTimeInSeconds may only be given with EnableManagedSpotTraining.")
    for channel in request.get("InputDataConfig") or []:
        source = channel.get("DataSource", {}).get("S3DataSource", {})
        if source.get("S3DataType") != "AugmentedManifestFile":
            continue
        where = f"Channel {channel['ChannelName']}: S3DataType AugmentedManifestFile"
        if (channel.get("InputMode") or specification.get("TrainingInputMode", "File")) != "Pipe":
            raise invalid(f"{where} is supported with input mode Pipe only.")
        if not source.get("AttributeNames"):
            raise invalid(f"{where} needs AttributeNames.")
