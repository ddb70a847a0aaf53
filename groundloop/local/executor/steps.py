"""Runners of each type of step: the calls of the API that it makes, and the properties that they return."""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from groundloop.local.context import Bell, random_id
from groundloop.spec.definition import Json
from groundloop.spec.retries import CAPACITY_ERROR, JOB_INTERNAL_ERROR, RESOURCE_LIMIT, SERVICE_FAULT, THROTTLING
from groundloop.spec.tuning import MAX_NAME_LENGTH

#: The longest time between two looks at a job or an endpoint, in seconds: usually the bell rings before.
_LONGEST_PAUSE = 2.0
_NAME_LENGTH = 63
#: Training jobs among the properties of a Tuning step (the SDK's `get_top_model_s3_uri`).
_MAX_SUMMARIES = 50


class StepError(Exception):
    """A step failed.

    Args:
        reason: why.
        kind: the type of exception that a retry policy can name.
        stopped: whether somebody stopped its job.
    """

    def __init__(self, reason: str, kind: str = "", stopped: bool = False) -> None:
        super().__init__(reason)
        self.kind = kind
        self.stopped = stopped


class StepStoppedError(Exception):
    """The execution was asked to stop while the step ran."""


#: Told the step's Metadata as soon as the resource has an ARN.
Tell = Callable[[Json], None]


def call(operation: Callable[..., Any], **members: Any) -> Json:
    """Call the API; its error becomes a StepError of the type that retry policies name."""
    try:
        answer: Json = operation(**members)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        kind = ""
        if "Throttling" in code or status == 429:
            kind = THROTTLING
        elif status >= 500:
            kind = SERVICE_FAULT
        elif code == "ResourceLimitExceeded":
            kind = RESOURCE_LIMIT
        raise StepError(f"ClientError: {error}", kind) from error
    except BotoCoreError as error:
        # A request that does not fit the service's model, e.g. a number where a string belongs.
        raise StepError(f"ClientError: {error}") from error
    return answer


def resource_name(execution_id: str, step: str) -> str:
    """Return `pipelines-<execution>-<step>-<random>`, at most 63 valid characters."""
    return _name(f"pipelines-{execution_id}-", step, _NAME_LENGTH)


def tuning_job_name(execution_id: str, step: str) -> str:
    """Return `<execution>-<step>-<random>`, at most 32 valid characters."""
    return _name(f"{execution_id}-", step, MAX_NAME_LENGTH)


def _name(head: str, step: str, length: int) -> str:
    tail = f"-{random_id(10)}"
    middle = re.sub(r"[^A-Za-z0-9]+", "-", step)[: length - len(head) - len(tail)].strip("-")
    return f"{head}{middle}{tail}"


class Runner(ABC):
    """Runs steps of one type."""

    def __init__(self, client: Any, stop: threading.Event, bell: Bell) -> None:
        self.client = client
        self.stop = stop
        self.bell = bell

    def name(self, execution_id: str, step: str) -> str:
        """Return a name for a resource whose request has none."""
        return resource_name(execution_id, step)

    @abstractmethod
    def run(self, request: Json, name: str, tell: Tell) -> Json:
        """Do what the step is for and return its properties. `name` is for a resource whose request has none.

        Raises:
            StepError, StepStoppedError.
        """

    def pause(self, heard: int) -> None:
        """Wait until the next look; StepStoppedError if the execution is to stop. `heard`: as the bell has it."""
        if not self.stop.is_set():
            self.bell.wait(heard, _LONGEST_PAUSE)
        if self.stop.is_set():
            raise StepStoppedError


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
            self.bell.wait(heard, _LONGEST_PAUSE)
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
