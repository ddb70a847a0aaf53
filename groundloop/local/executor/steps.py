"""Runners of each type of step: the calls of the API that it makes, and the properties that they return."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from groundloop.local.context import Bell
from groundloop.local.executor.runner import Runner, StepError, StepStoppedError, Tell, call, tuning_job_name
from groundloop.spec.definition import Json
from groundloop.spec.retries import CAPACITY_ERROR, JOB_INTERNAL_ERROR, RESOURCE_LIMIT

#: Training jobs among the properties of a Tuning step (the SDK's `get_top_model_s3_uri`).
_MAX_SUMMARIES = 50


class JobRunner(Runner):
    """Runs Processing, Training, Transform and Tuning steps: creates a job and waits for its end."""

    def __init__(self, client: Any, stop: threading.Event, bell: Bell, kind: str) -> None:
        super().__init__(client, stop, bell)
        self.kind = kind
        operation = xform_name(kind)
        self._create = getattr(client, f"create_{operation}")
        self._describe = getattr(client, f"describe_{operation}")
        self._stop_job = getattr(client, f"stop_{operation}")

    @property
    def metadata_key(self) -> str:
        """The member of a step's Metadata that has the job's ARN."""
        return self.kind

    def properties(self, described: Json) -> Json:
        """Return the step's properties, of the description of its completed job."""
        return described

    def run(self, request: Json, name: str, tell: Tell) -> Json:
        """Start a job and wait until it has ended."""
        member = f"{self.kind}Name"
        # The service makes the name of every job itself: one that the definition gives could be used but once.
        created = call(self._create, **{**request, member: name})
        tell({self.metadata_key: {"Arn": created[f"{self.kind}Arn"]}})
        while True:
            heard = self.bell.rung
            described = call(self._describe, **{member: name})
            status = described[f"{self.kind}Status"]
            if status == "Completed":
                return self.properties(described)
            if status == "Failed":
                raise _job_failure(described.get("FailureReason") or "the job failed")
            if status == "Stopped":
                if self.stop.is_set():
                    raise StepStoppedError
                reason = f"ClientError: {self.kind} {name} was stopped: {described.get('SecondaryStatus', status)}"
                raise StepError(reason, stopped=True)
            try:
                self.pause(heard)
            except StepStoppedError:
                self._end(member, name)
                raise

    def _end(self, member: str, name: str) -> None:
        """Stop the job and see it end."""
        try:
            self._stop_job(**{member: name})
        except ClientError as error:
            # It ended by itself in the meantime.
            if error.response["Error"]["Code"] != "ValidationException":
                raise
        heard = self.bell.rung
        while call(self._describe, **{member: name})[f"{self.kind}Status"] in ("InProgress", "Stopping"):
            self.wait(heard)
            heard = self.bell.rung


class TuningRunner(JobRunner):
    """Runs Tuning steps: a tuning job, whose properties are its description and its best training jobs."""

    def __init__(self, client: Any, stop: threading.Event, bell: Bell) -> None:
        super().__init__(client, stop, bell, "HyperParameterTuningJob")

    def name(self, execution_id: str, step: str) -> str:
        """Return a name that is short enough for a tuning job."""
        return tuning_job_name(execution_id, step)

    @property
    def metadata_key(self) -> str:
        """The member of a step's Metadata that has the job's ARN."""
        return "TuningJob"

    def properties(self, described: Json) -> Json:
        """Return the description with TrainingJobSummaries, the best training job first."""
        objective = described["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
        listed = call(
            self.client.list_training_jobs_for_hyper_parameter_tuning_job,
            HyperParameterTuningJobName=described["HyperParameterTuningJobName"],
            SortBy="FinalObjectiveMetricValue",
            SortOrder="Descending" if objective["Type"] == "Maximize" else "Ascending",
            MaxResults=_MAX_SUMMARIES,
        )
        return {**described, "TrainingJobSummaries": listed["TrainingJobSummaries"]}


def _job_failure(reason: str) -> StepError:
    kinds = {
        "InternalServerError": JOB_INTERNAL_ERROR,
        "CapacityError": CAPACITY_ERROR,
        "ResourceLimitExceeded": RESOURCE_LIMIT,
    }
    return StepError(reason, kinds.get(reason.split(":")[0], ""))


class ModelRunner(Runner):
    """Runs Model steps by CreateModel."""

    def run(self, request: Json, name: str, tell: Tell) -> Json:
        """Create a model."""
        request = {"ModelName": name, **request}
        created = call(self.client.create_model, **request)
        tell({"Model": {"Arn": created["ModelArn"]}})
        return call(self.client.describe_model, ModelName=request["ModelName"])


class RegisterRunner(Runner):
    """Runs RegisterModel steps by CreateModelPackage, in a group that is created when it is missing."""

    def run(self, request: Json, name: str, tell: Tell) -> Json:
        """Register a model package; create its group if it is missing."""
        if group := request.get("ModelPackageGroupName"):
            self._need_group(group)
        created = call(self.client.create_model_package, **request)
        tell({"RegisterModel": {"Arn": created["ModelPackageArn"]}})
        return call(self.client.describe_model_package, ModelPackageName=created["ModelPackageArn"])

    def _need_group(self, name: str) -> None:
        """Create the group if it is missing: AWS's own samples rely on the service to do so."""
        try:
            self.client.describe_model_package_group(ModelPackageGroupName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":
                raise StepError(f"ClientError: {error}") from error
        else:
            return
        try:
            call(self.client.create_model_package_group, ModelPackageGroupName=name)
        except StepError as error:
            # Another execution was faster.
            if "already exists" not in str(error):
                raise


class EndpointConfigRunner(Runner):
    """Runs EndpointConfig steps."""

    def run(self, request: Json, name: str, tell: Tell) -> Json:
        """Create an endpoint configuration."""
        request = {"EndpointConfigName": name, **request}
        created = call(self.client.create_endpoint_config, **request)
        tell({"EndpointConfig": {"Arn": created["EndpointConfigArn"]}})
        return call(self.client.describe_endpoint_config, EndpointConfigName=request["EndpointConfigName"])


class EndpointRunner(Runner):
    """Runs Endpoint steps: creates or updates the endpoint and waits until it is in service."""

    def run(self, request: Json, name: str, tell: Tell) -> Json:
        """Create or update an endpoint and wait until it is in service."""
        request = {"EndpointName": name, **request}
        endpoint, config = request["EndpointName"], request["EndpointConfigName"]
        if self._exists(endpoint):
            members = {key: value for key, value in request.items() if key != "Tags"}
            done = call(self.client.update_endpoint, **members)
        else:
            done = call(self.client.create_endpoint, **request)
        tell({"Endpoint": {"Arn": done["EndpointArn"]}})
        while True:
            heard = self.bell.rung
            described = call(self.client.describe_endpoint, EndpointName=endpoint)
            status = described["EndpointStatus"]
            if (
                status == "InService"
                and described["EndpointConfigName"] == config
                and not described.get("FailureReason")
            ):
                return described
            if status in ("InService", "Failed"):
                raise StepError(f"ClientError: endpoint {endpoint}: {described.get('FailureReason', status)}")
            self.pause(heard)

    def _exists(self, name: str) -> bool:
        try:
            self.client.describe_endpoint(EndpointName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationException":
                return False
            raise StepError(f"ClientError: {error}") from error
        return True


def runner_for(step_type: str, client: Any, stop: threading.Event, bell: Bell) -> Runner:
    """Return the runner of a step type.

    Raises:
        StepError: the offline AWS does not run steps of this type.
    """
    if step_type in ("Processing", "Training", "Transform"):
        return JobRunner(client, stop, bell, f"{step_type}Job")
    runners: dict[str, Callable[[Any, threading.Event, Bell], Runner]] = {
        "Tuning": TuningRunner,
        "Model": ModelRunner,
        "RegisterModel": RegisterRunner,
        "EndpointConfig": EndpointConfigRunner,
        "Endpoint": EndpointRunner,
    }
    if step_type not in runners:
        raise StepError(f"ClientError: the offline AWS does not run steps of type {step_type}")
    return runners[step_type](client, stop, bell)
