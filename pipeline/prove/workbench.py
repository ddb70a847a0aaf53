"""What trials work with: clients, names, a journal that every creation passes through, and waiting within limits."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import error_code, error_message, poll_seconds
from groundloop.images.access import Images
from groundloop.images.s3 import S3Images
from pipeline.config import Config
from pipeline.prove.allotment import Allotment
from pipeline.prove.journal import Journal
from pipeline.prove.verdict import NotTriedError
from pipeline.teardown import Resource

#: How long an instance may take to come up before its time, which is billed, begins.
_STARTUP_SECONDS = 900


@dataclass(frozen=True)
class Trained:
    """What the run of the whole pipeline leaves for later trials."""

    training_job: str
    model_data_url: str
    image: str


@dataclass
class Workbench:
    """The account as a trial sees it.

    Attributes:
        config: the user's configuration.
        run: the id that ends the names of all that is made.
        client: a boto3 client by service.
        allotment: the time that the present trial's instances have.
        tell: called with a line on what happens.
        trained: set by the run of the whole pipeline.
    """

    config: Config
    run: str
    client: Callable[[str], Any]
    journal: Journal
    allotment: Allotment
    tell: Callable[[str], None]
    trained: Trained | None = None

    def name(self, what: str) -> str:
        """Return a name for a resource of this proof."""
        return f"groundloop-prove-{what}-{self.run}"

    @property
    def prefix(self) -> str:
        """The key prefix of all objects of this proof; it lies under `aws.prefix`, where the role may write."""
        return f"{self.config.aws.prefix}/prove/{self.run}"

    def uri(self, key: str) -> str:
        """Return the S3 URI of a key below this proof's prefix."""
        return f"s3://{self.config.aws.bucket}/{self.prefix}/{key}"

    def images(self) -> Images:
        """Return the images in S3, as the checks of `doctor` read them."""
        return S3Images(self.config.aws.region)

    @property
    def tags(self) -> list[dict[str, str]]:
        """The configured tags."""
        return [{"Key": key, "Value": value} for key, value in sorted(self.config.aws.tags.items())]

    @property
    def output_key(self) -> dict[str, str]:
        """The member that encrypts a job's output with the configured key; empty without one."""
        return {"KmsKeyId": self.config.aws.kms_key} if self.config.aws.kms_key else {}

    def create(self, kind: str, name: str, make: Callable[[], Any]) -> Any:
        """Write a resource into the journal, then make it; return what the call answers."""
        resource = Resource(kind, name)
        self.journal.create(resource)
        try:
            return make()
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) < 500:
                self.journal.removed(resource)  # AWS has not made it; whoever has the name keeps what there is
            raise

    def store(self, key: str, content: bytes) -> str:
        """Put an object below this proof's prefix and return its URI."""
        self.keep_prefix()
        key_members = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.config.aws.kms_key}
        self.client("s3").put_object(
            Bucket=self.config.aws.bucket,
            Key=f"{self.prefix}/{key}",
            Body=content,
            **(key_members if self.config.aws.kms_key else {}),
        )
        return self.uri(key)

    def keep_prefix(self) -> None:
        """Write the prefix of this proof's objects into the journal, once."""
        resource = Resource("S3 prefix", self.prefix)
        if resource not in self.journal.left:
            self.journal.create(resource)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys of the objects below a key of this proof, relative to it."""
        start = f"{self.prefix}/{prefix}"
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.config.aws.bucket, Prefix=start)
        return [item["Key"].removeprefix(start) for page in pages for item in page.get("Contents", [])]

    def wait(
        self, use: str, look: Callable[[], dict[str, Any]], status: str, moving: Collection[str], seconds: float
    ) -> dict[str, Any]:
        """Wait until something has settled and return its description.

        Args:
            use: what is waited for, as a message names it.
            look: describes it.
            status: the member of the description that holds its status.
            moving: the statuses that it leaves by itself.
            seconds: how long it may take.

        Raises:
            NotTriedError: it takes longer.
        """
        until = time.monotonic() + seconds
        while True:
            described = look()
            if described[status] not in moving:
                return described
            if time.monotonic() > until:
                raise NotTriedError(f"{use} was still {described[status]} after {seconds / 60:.0f} minutes")
            time.sleep(poll_seconds(10))

    def run_job(self, kind: str, use: str, request: dict[str, Any]) -> dict[str, Any]:
        """Run a job to its end within its allotted time and return its description.

        Args:
            kind: Processing, Training or Transform.
            use: the instance of the trial that runs it; a stopping condition says how long it may, and of a transform
                job, which has none, this process does.
            request: the members of the create call besides tags and stopping condition.

        Raises:
            NotTriedError: it takes too long.
        """
        sagemaker, name = self.client("sagemaker"), request[f"{kind}JobName"]
        seconds = self.allotment.seconds[use]
        if kind != "Transform":
            request = {**request, "StoppingCondition": {"MaxRuntimeInSeconds": max(1, seconds)}}
        self.tell(f"  {kind.lower()} job {name}, at most {seconds / 60:.0f} minutes")
        self.allotment.begin(use)
        self.create(
            f"{kind.lower()} job",
            name,
            lambda: getattr(sagemaker, f"create_{kind.lower()}_job")(**request, Tags=self.tags),
        )
        described = self.wait(
            name,
            lambda: getattr(sagemaker, f"describe_{kind.lower()}_job")(**{f"{kind}JobName": name}),
            f"{kind}JobStatus",
            {"InProgress", "Stopping"},
            # A transform job is billed from the start of its instance, which can't be distinguished while it runs.
            seconds if kind == "Transform" else seconds + _STARTUP_SECONDS,
        )
        self.allotment.ran(use, job_seconds(kind, described))
        return described


def job_seconds(kind: str, described: dict[str, Any]) -> float:
    """Return how long a job's instances ran, by its description: from its start, else from its creation."""
    begun = described.get(f"{kind}StartTime") or described.get("CreationTime")
    ended = described.get(f"{kind}EndTime") or described.get("LastModifiedTime")
    return max(0.0, (ended - begun).total_seconds()) if begun and ended else float("inf")


@contextlib.contextmanager
def prerequisite() -> Iterator[None]:
    """Let a refusal in the body say nothing of the assumptions: it is about what a trial needs before it can ask.

    Raises:
        NotTriedError: AWS refused a call.
    """
    try:
        yield
    except ClientError as error:
        raise NotTriedError(
            f"{error.operation_name} was refused", f"{error_code(error)}: {error_message(error)}"
        ) from None


def is_missing(error: ClientError) -> bool:
    """Tell whether an error of SageMaker means that there is no such resource."""
    return error_code(error) in {"ValidationException", "ResourceNotFound"}
