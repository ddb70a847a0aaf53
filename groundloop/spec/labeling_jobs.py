"""Ground Truth's labelling jobs for bounding boxes: Lambda functions, limits, and rules that the API's model lacks.

Sources: API reference, `CreateLabelingJob`, `HumanTaskConfig`, `AnnotationConsolidationConfig` and
`LabelingJobAlgorithmsConfig`; SageMaker developer guide, "Input data quotas", "Automate data labeling" and "Verify and
adjust labels". Ground Truth takes no new customers: only accounts that have used it can create such jobs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any


class TaskType(str, Enum):
    """The built-in task types for bounding boxes, by the names of their Lambda functions."""

    BOUNDING_BOX = "BoundingBox"
    ADJUSTMENT = "AdjustmentBoundingBox"
    VERIFICATION = "VerificationBoundingBox"

    @property
    def is_chained(self) -> bool:
        """Whether workers look at labels of an earlier job."""
        return self is not TaskType.BOUNDING_BOX


#: The accounts of Ground Truth's own Lambda functions, by region; there are no labelling jobs elsewhere.
LAMBDA_ACCOUNTS: Mapping[str, str] = MappingProxyType(
    {
        "ap-northeast-1": "477331159723",
        "ap-northeast-2": "845288260483",
        "ap-south-1": "565803892007",
        "ap-southeast-1": "377565633583",
        "ap-southeast-2": "454466003867",
        "ca-central-1": "918755190332",
        "eu-central-1": "203001061592",
        "eu-west-1": "568282634449",
        "eu-west-2": "487402164563",
        "us-east-1": "432418664414",
        "us-east-2": "266458841044",
        "us-west-2": "081040173940",
    }
)
_ALGORITHM_ACCOUNT = "027400017018"
_LAMBDA = re.compile(r"arn:aws:lambda:(?P<region>[^:]+):(?P<account>\d{12}):function:(?P<stage>PRE|ACS)-(?P<task>\w+)")
#: Ends of a label attribute's name that mean something else.
RESERVED_SUFFIXES = ("-metadata", "-ref")

MAX_OBJECTS = 100_000
"""Objects of one job that isn't automated."""
MIN_OBJECTS_FOR_AUTO_LABELING = 1_250
MAX_LABELS = 50
#: The workers' page offers more with difficulty: its documentation speaks of ten.
MANY_LABELS = 10
MAX_LINE_CHARACTERS = 100_000
MAX_TIME_LIMIT_SECONDS = 8 * 3600
MAX_AVAILABILITY_SECONDS = 30 * 24 * 3600
CATEGORIES_VERSION = "2018-11-28"
#: The workteam of Amazon Mechanical Turk, in whichever region and account.
_PUBLIC_WORKTEAM = ":workteam/public-crowd/"


def pre_lambda_arn(region: str, task: TaskType) -> str | None:
    """Return the ARN of the function that prepares a task for the workers; None where there is no Ground Truth.

    Example:
        >>> pre_lambda_arn("us-west-2", TaskType.BOUNDING_BOX)
        'arn:aws:lambda:us-west-2:081040173940:function:PRE-BoundingBox'
    """
    return _lambda_arn(region, f"PRE-{task.value}")


def consolidation_lambda_arn(region: str, task: TaskType) -> str | None:
    """Return the ARN of the function that consolidates the workers' answers; None where there is no Ground Truth.

    Example:
        >>> consolidation_lambda_arn("us-east-1", TaskType.ADJUSTMENT)
        'arn:aws:lambda:us-east-1:432418664414:function:ACS-AdjustmentBoundingBox'
    """
    return _lambda_arn(region, f"ACS-{task.value}")


def _lambda_arn(region: str, function: str) -> str | None:
    account = LAMBDA_ACCOUNTS.get(region)
    return account and f"arn:aws:lambda:{region}:{account}:function:{function}"


def auto_labeling_algorithm_arn(region: str) -> str:
    """Return the ARN of the algorithm for the automated labelling of bounding boxes.

    Example:
        >>> auto_labeling_algorithm_arn("eu-west-1").rpartition(":")[2]
        'labeling-job-algorithm-specification/object-detection'
    """
    name = "labeling-job-algorithm-specification/object-detection"
    return f"arn:aws:sagemaker:{region}:{_ALGORITHM_ACCOUNT}:{name}"


def task_type_of(request: Mapping[str, Any]) -> TaskType | None:
    """Return the task type of a CreateLabelingJob request; None for tasks that are not about bounding boxes."""
    found = _LAMBDA.fullmatch(str(request.get("HumanTaskConfig", {}).get("PreHumanTaskLambdaArn", "")))
    if found is None or found["task"] not in {task.value for task in TaskType}:
        return None
    return TaskType(found["task"])


def is_public_workteam(arn: str) -> bool:
    """Return whether a workteam is Amazon Mechanical Turk's."""
    return _PUBLIC_WORKTEAM in arn


def attribute_problem(name: str, earlier: str | None = None) -> str | None:
    """Return why the label attribute of a bounding box job can't have a name; None when it can.

    Args:
        name: the label attribute.
        earlier: for adjustment and verification, the attribute with the labels that workers look at.

    Example:
        >>> attribute_problem("boxes-ref")
        "the label attribute 'boxes-ref' ends with -ref, which marks references to objects in S3"
    """
    if name.endswith("-metadata"):
        return f"the label attribute {name!r} ends with -metadata, which marks the metadata of another attribute"
    if name.endswith("-ref"):
        return f"the label attribute {name!r} ends with -ref, which marks references to objects in S3"
    if name == earlier:
        return f"the label attribute {name!r} is that of the earlier labels: a further job needs another name"
    return None


def labeling_job_problems(request: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a CreateLabelingJob request for bounding boxes, besides what its shape says.

    Args:
        request: the operation's arguments, valid for its shape.
    """
    if problem := attribute_problem(request["LabelAttributeName"]):
        yield problem
    if not request.get("LabelCategoryConfigS3Uri"):
        yield "LabelCategoryConfigS3Uri is missing: built-in task types need the file of label categories"
    task = request["HumanTaskConfig"]
    yield from _ui_problems(task)
    yield from _lambda_problems(task)
    yield from _time_problems(task)
    yield from _algorithm_problems(request)


def _ui_problems(task: Mapping[str, Any]) -> Iterator[str]:
    if "UiTemplateS3Uri" not in task["UiConfig"]:
        yield "UiConfig.UiTemplateS3Uri is missing: jobs for bounding boxes need a worker task template in S3"
    public, price = is_public_workteam(task["WorkteamArn"]), "PublicWorkforceTaskPrice" in task
    if public and not price:
        yield "PublicWorkforceTaskPrice is missing: the public workforce is paid by task"
    if price and not public:
        yield "PublicWorkforceTaskPrice goes with the public workforce only"


def _lambda_problems(task: Mapping[str, Any]) -> Iterator[str]:
    pre = str(task.get("PreHumanTaskLambdaArn", ""))
    consolidation = str(task.get("AnnotationConsolidationConfig", {}).get("AnnotationConsolidationLambdaArn", ""))
    region = task["WorkteamArn"].split(":")[3]
    stages = {"PreHumanTaskLambdaArn": (pre, "PRE"), "AnnotationConsolidationLambdaArn": (consolidation, "ACS")}
    tasks = set()
    for member, (arn, stage) in stages.items():
        found = _LAMBDA.fullmatch(arn)
        if not arn:
            yield f"{member} is missing"
        elif found is None or found["stage"] != stage:
            yield f"{member} {arn!r} is not one of Ground Truth's {stage} functions"
        else:
            tasks.add(found["task"])
            if found["region"] != region:
                yield f"{member} is of {found['region']}, and the workteam of {region}: use one region"
            elif found["account"] != LAMBDA_ACCOUNTS.get(region):
                yield f"{member} has the account {found['account']}; Ground Truth's in {region} is another"
    if len(tasks) > 1:
        yield f"the Lambda functions are for different task types: {' and '.join(sorted(tasks))}"


def _time_problems(task: Mapping[str, Any]) -> Iterator[str]:
    limit = task["TaskTimeLimitInSeconds"]
    if limit > MAX_TIME_LIMIT_SECONDS:
        yield f"TaskTimeLimitInSeconds is {limit}: image tasks take up to {MAX_TIME_LIMIT_SECONDS} (8 hours)"
    available = task.get("TaskAvailabilityLifetimeInSeconds", 0)
    if available > MAX_AVAILABILITY_SECONDS:
        yield f"TaskAvailabilityLifetimeInSeconds is {available}: up to {MAX_AVAILABILITY_SECONDS} (30 days)"


def _algorithm_problems(request: Mapping[str, Any]) -> Iterator[str]:
    algorithms = request.get("LabelingJobAlgorithmsConfig")
    if algorithms is None:
        return
    region = request["HumanTaskConfig"]["WorkteamArn"].split(":")[3]
    arn, expected = algorithms["LabelingJobAlgorithmSpecificationArn"], auto_labeling_algorithm_arn(region)
    if arn != expected:
        yield f"LabelingJobAlgorithmSpecificationArn {arn!r} is not the one for bounding boxes in {region}: {expected}"
    task = task_type_of(request)
    if task is not None and task.is_chained:
        yield "adjustment and verification jobs can't be automated: drop LabelingJobAlgorithmsConfig"
