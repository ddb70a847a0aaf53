"""Labelling jobs in an account: create, list, describe and stop them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import client, error_message, is_not_found
from groundloop.errors import UserError
from groundloop.s3 import error_code, split_uri
from groundloop.spec.labeling_jobs import TaskType, task_type_of

RUNNING = frozenset({"Initializing", "InProgress", "Stopping"})
#: What a failure reason of Ground Truth means, and what to do; matched in this order.
_FAILURES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), meaning)
    for pattern, meaning in (
        (
            r"access denied|accessdenied|not authorized|forbidden|403",
            "the job's role may not read the input or write the output in S3: groundloop doctor --policy role",
        ),
        (r"cors", "the bucket of the images has no CORS rule that lets browsers GET them"),
        (
            r"no annotations|no (?:worker )?responses|expired|no labels were",
            "no worker answered before the tasks expired: check the workteam's members and labeling.availability_days",
        ),
        (r"workteam", "the workteam does not exist in this region, or has no members"),
        (r"manifest|source-ref|json", "Ground Truth can't read the input manifest or the images that it names"),
        (r"internal ?(?:server|service)? ?error", "a fault of the service: create the job again under another name"),
    )
)
_NO_NEW_CUSTOMERS = (
    "Ground Truth takes no new customers: an account that has not used it before can't create labelling jobs. "
    "groundloop label and groundloop review do the same work without it"
)


@dataclass(frozen=True, slots=True)
class JobState:
    """A labelling job as it is now.

    Attributes:
        name, arn, status: of the job; the status is the API's.
        attribute: its label attribute.
        labelled: objects with labels; `by_people` and `by_model` of them.
        failed: objects that can't be labelled.
        left: objects without labels.
        created: when the job was created.
        changed: when its state changed last.
        output_manifest: S3 URI, once there is one.
        output_prefix: S3 URI of the job's output folder.
        categories_uri: S3 URI of its label categories.
        workteam: ARN of those who label.
        task_type: None for tasks that are not about bounding boxes.
        failure: the reason in AWS's words; "" for none.
    """

    name: str
    arn: str
    status: str
    attribute: str
    labelled: int
    by_people: int
    by_model: int
    failed: int
    left: int
    created: datetime
    changed: datetime
    output_manifest: str | None
    output_prefix: str
    categories_uri: str | None
    workteam: str
    task_type: TaskType | None = None
    failure: str = ""

    @property
    def objects(self) -> int:
        """All images of the job, as far as they are counted."""
        return self.labelled + self.failed + self.left

    @property
    def is_running(self) -> bool:
        """Whether the job goes on."""
        return self.status in RUNNING


def create(region: str, request: dict[str, Any]) -> str:
    """Create a labelling job and return its ARN.

    Args:
        region: AWS region.
        request: of `create_labeling_job_request`.

    Raises:
        UserError: there is one of that name, or the account can't have any.
    """
    name = request["LabelingJobName"]
    try:
        return str(client("sagemaker", region).create_labeling_job(**request)["LabelingJobArn"])
    except ClientError as error:
        if error_code(error) == "ResourceInUse":
            raise UserError(
                f"there is a labelling job {name!r} already; names are compared without their case"
            ) from None
        raise UserError(_refusal(error)) from None


def _refusal(error: ClientError) -> str:
    code, message = error_code(error), error_message(error)
    hint = f"; {_NO_NEW_CUSTOMERS}" if code in {"AccessDeniedException", "AccessDenied"} else ""
    return f"AWS refused {error.operation_name}: {code}: {message}{hint}"


def check_name_is_free(region: str, name: str) -> None:
    """Check that no labelling job has a name; they stay taken for ever.

    Raises:
        UserError: there is one.
    """
    try:
        client("sagemaker", region).describe_labeling_job(LabelingJobName=name)
    except ClientError as error:
        if is_not_found(error):
            return
        raise
    raise UserError(f"there is a labelling job {name!r} already, and the names of ended jobs stay taken: give another")


def describe(region: str, name: str) -> JobState:
    """Return the state of a labelling job.

    Raises:
        UserError: there is none of that name.
    """
    try:
        answer = client("sagemaker", region).describe_labeling_job(LabelingJobName=name)
    except ClientError as error:
        if is_not_found(error):
            raise UserError(f"there is no labelling job {name!r} in {region}: {error_message(error)}") from None
        raise
    return _state(answer)


def listed(region: str, limit: int) -> Iterator[JobState]:
    """Yield the newest labelling jobs.

    Args:
        region: AWS region.
        limit: how many at most.
    """
    pages = client("sagemaker", region).get_paginator("list_labeling_jobs")
    options = {"SortBy": "CreationTime", "SortOrder": "Descending", "PaginationConfig": {"MaxItems": limit}}
    for page in pages.paginate(**options):
        for summary in page["LabelingJobSummaryList"]:
            yield describe(region, summary["LabelingJobName"])


def output_manifest_uri(region: str, state: JobState) -> str:
    """Return the S3 URI of the labels that a job has so far: its output manifest, or the newest intermediate one.

    Source: SageMaker developer guide, "Labeling job output data", directories `manifests/output` and
    `manifests/intermediate/<iteration>`.

    Args:
        region: AWS region.
        state: of the job.

    Raises:
        UserError: there is neither yet.
    """
    if state.output_manifest is not None:
        return state.output_manifest
    bucket, prefix = split_uri(f"{state.output_prefix}manifests/intermediate/")
    pages = client("s3", region).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    found: dict[int, str] = {}
    for page in pages:
        for item in page.get("Contents", []):
            iteration, _, name = item["Key"].removeprefix(prefix).partition("/")
            if name == "output.manifest" and iteration.isdecimal():
                found[int(iteration)] = f"s3://{bucket}/{item['Key']}"
    if not found:
        raise UserError(f"labelling job {state.name!r} has no labels yet: its status is {state.status}")
    return found[max(found)]


def stop(region: str, name: str) -> JobState:
    """Stop a labelling job; labels that are there stay. Return its state then.

    Raises:
        UserError: there is none of that name, or it has ended already.
    """
    state = describe(region, name)
    if not state.is_running:
        raise UserError(f"labelling job {name!r} is not running: its status is {state.status}")
    client("sagemaker", region).stop_labeling_job(LabelingJobName=name)
    return describe(region, name)


def portal_link(region: str, workteam: str) -> str:
    """Return the link under which the members of a workteam work.

    Args:
        region: AWS region.
        workteam: ARN.

    Raises:
        UserError: there is no such workteam, or it has no portal.
    """
    name = workteam.rpartition("/")[2]
    try:
        team = client("sagemaker", region).describe_workteam(WorkteamName=name)["Workteam"]
    except ClientError as error:
        if is_not_found(error):
            raise UserError(f"there is no workteam {name!r} in {region}: {error_message(error)}") from None
        raise
    address = str(team.get("SubDomain", ""))
    if not address:
        raise UserError(f"workteam {name!r} has no portal: it is a vendor's, whose people have their own")
    return address if "://" in address else f"https://{address}"


def explain_failure(reason: str) -> str | None:
    """Return what a failure reason of Ground Truth means; None for one that is not known.

    Example:
        >>> explain_failure("ClientError: Access denied when accessing s3://b/in.manifest")
        "the job's role may not read the input or write the output in S3: groundloop doctor --policy role"
    """
    return next((meaning for pattern, meaning in _FAILURES if pattern.search(reason)), None)


def _state(answer: dict[str, Any]) -> JobState:
    counters, task = answer["LabelCounters"], answer["HumanTaskConfig"]
    name, output = answer["LabelingJobName"], answer["OutputConfig"]["S3OutputPath"]
    return JobState(
        name=name,
        arn=answer["LabelingJobArn"],
        status=answer["LabelingJobStatus"],
        attribute=answer.get("LabelAttributeName", name),
        labelled=counters.get("TotalLabeled", 0),
        by_people=counters.get("HumanLabeled", 0),
        by_model=counters.get("MachineLabeled", 0),
        failed=counters.get("FailedNonRetryableError", 0),
        left=counters.get("Unlabeled", 0),
        created=answer["CreationTime"],
        changed=answer["LastModifiedTime"],
        output_manifest=answer.get("LabelingJobOutput", {}).get("OutputDatasetS3Uri") or None,
        output_prefix=f"{output.rstrip('/')}/{name}/",
        categories_uri=answer.get("LabelCategoryConfigS3Uri"),
        workteam=task["WorkteamArn"],
        task_type=task_type_of(answer),
        failure=answer.get("FailureReason", ""),
    )
