"""The model that training starts from: its weights, the class list that goes with them, and why it can't be used.

The built-in algorithm continues a training from the model.tar.gz of an earlier one of the same `base_network` and
`num_classes` ("Incremental Training in Amazon SageMaker AI", SageMaker developer guide). Class ids are positions in a
list that the weights were trained with, so the list and its order stay.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from groundloop.aws import is_not_found
from groundloop.errors import UserError
from groundloop.labels.classes import ClassList
from groundloop.models.version_selection import champion, version_of
from groundloop.result_files import read_summary
from groundloop.s3 import SCHEME, is_forbidden, is_missing, split_uri
from steps.jobs import say

CHAMPION = "champion"
_HYPERPARAMETERS_FILE = "hyperparams.json"
_MAX_HYPERPARAMETERS_BYTES = 1_000_000
_FROM_SCRATCH = "train from scratch with training.start_from: null"
_DAMAGED = (tarfile.TarError, OSError, EOFError, zlib.error, ValueError)


@dataclass(frozen=True)
class StartModel:
    """A model that training starts from.

    Attributes:
        name: for messages: `version 7`, or its S3 URI.
        started_from: ARN of the model package, or S3 URI of the archive.
        archive: its model.tar.gz, downloaded.
        sha256: of the archive.
        classes: names in id order; None where only the archive is known.
        base_network, num_classes, image_shape: hyperparameters that it was trained with.
    """

    name: str
    started_from: str
    archive: Path
    sha256: str
    classes: tuple[str, ...] | None
    base_network: str
    num_classes: int
    image_shape: int | None

    def class_list(self, configured: ClassList | None) -> ClassList:
        """Return the class list that training goes on with: that of the model, in its order.

        Args:
            configured: `labels.classes`; None: not set.

        Raises:
            UserError: the configured list is another one, or nobody knows the model's.
        """
        if self.classes is None:
            if configured is None:
                raise UserError(
                    f"{self.name} does not say its classes: name its {self.num_classes} classes in labels.classes, "
                    "in the order of their ids"
                )
            own = configured
        else:
            own = ClassList(self.classes)
            if configured is not None and configured.names != own.names:
                raise UserError(self._other_classes(configured))
        if len(own) != self.num_classes:
            raise UserError(
                f"{self.name} was trained with num_classes {self.num_classes}, but there are {len(own)} classes: "
                f"{', '.join(own)}; name those that it was trained with in labels.classes, or {_FROM_SCRATCH}"
            )
        return own

    def _other_classes(self, configured: ClassList) -> str:
        own = ", ".join(self.classes or ())
        remedy = f"leave labels.classes empty or write [{own}], or {_FROM_SCRATCH}"
        if new := [name for name in configured if name not in (self.classes or ())]:
            return f"labels.classes names {', '.join(new)}, which {self.name} was not trained on: {remedy}"
        if missing := [name for name in self.classes or () if name not in configured.names]:
            return f"labels.classes lacks {', '.join(missing)}, which {self.name} was trained on: {remedy}"
        return f"labels.classes is in another order than the class ids of {self.name}: {remedy}"

    def check_labels(self, classes: ClassList, boxes: Mapping[str, int]) -> None:
        """Check that the labels have no class that the model does not know.

        Args:
            classes: the model's list.
            boxes: number of boxes by class name.

        Raises:
            UserError: they have.
        """
        new = {name: count for name, count in sorted(boxes.items()) if count and name not in classes.ids}
        if new:
            listed = ", ".join(f"{name} ({count} boxes)" for name, count in new.items())
            raise UserError(
                f"the labels have classes that {self.name} was not trained on: {listed}. Its classes are "
                f"{', '.join(classes)}, and training that starts from it can't add any: rename the classes in the "
                f"labels, or {_FROM_SCRATCH}"
            )


def load_start_model(
    start_from: str,
    group: str,
    base_network: str,
    image_shape: int,
    work: Path,
    clients: Callable[[str], Any],
) -> StartModel:
    """Find the model that training starts from, download it, and check that training can.

    Args:
        start_from: `champion`, the number of a version of the group, or the S3 URI of a model.tar.gz.
        group: name of the model package group.
        base_network, image_shape: hyperparameters of the new training.
        work: folder for the archive.
        clients: returns a boto3 client by the name of the service.

    Raises:
        UserError: there is no such model, it can't be read, or it was trained with another network.
    """
    try:
        s3 = clients("s3")
        classes: tuple[str, ...] | None = None
        if start_from.startswith(SCHEME):
            name = started_from = uri = start_from
        else:
            sagemaker = clients("sagemaker")
            arn = _champion(sagemaker, group) if start_from == CHAMPION else _version(sagemaker, group, start_from)
            name, started_from = f"version {version_of(arn)}", arn
            uri, classes = _package(sagemaker, s3, arn, name)
        archive = work / "model.tar.gz"
        _download(s3, uri, archive)
    except ClientError as error:
        fault = error.response.get("Error", {})
        raise UserError(
            f"training.start_from: AWS refused {error.operation_name}: {fault.get('Code', '')}: "
            f"{fault.get('Message', '')}; allow the job's role what groundloop doctor --policy role prints"
        ) from None
    except BotoCoreError as error:
        raise UserError(f"training.start_from: AWS cannot be reached: {error}; give the job a way to it") from None
    trained_with = _hyperparameters(archive, uri)
    model = StartModel(
        name=name,
        started_from=started_from,
        archive=archive,
        sha256=_sha256(archive),
        classes=classes,
        base_network=str(trained_with["base_network"]),
        num_classes=int(trained_with["num_classes"]),
        image_shape=int(trained_with["image_shape"]) if "image_shape" in trained_with else None,
    )
    if model.base_network != base_network:
        raise UserError(
            f"{name} was trained with base_network {model.base_network}, but training.hyperparameters.base_network is "
            f"{base_network}: set it to {model.base_network}, or {_FROM_SCRATCH}"
        )
    if model.image_shape not in (None, image_shape):
        say(
            f"warning: {name} was trained with image_shape {model.image_shape}, this training has {image_shape}: "
            "objects have other sizes, so expect lower scores at first"
        )
    say(f"training starts from {name}: {started_from}")
    return model


def _champion(sagemaker: Any, group: str) -> str:
    try:
        arn = champion(sagemaker, group)
    except ClientError as error:
        if not is_not_found(error):
            raise
        arn = None
    if arn is None:
        raise UserError(
            f"training.start_from is {CHAMPION}, but no version of {group!r} is approved: approve one, or run once "
            "with training.start_from: null"
        )
    return arn


def _version(sagemaker: Any, group: str, number: str) -> str:
    try:
        base = sagemaker.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
        arn = f"{base.replace(':model-package-group/', ':model-package/')}/{number}"
        status = sagemaker.describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"]
    except ClientError as error:
        if not is_not_found(error):
            raise
        raise UserError(
            f"training.start_from is {number}, but {group!r} has no version {number}: groundloop models lists them"
        ) from None
    if status == "Rejected":
        raise UserError(
            f"training.start_from is {number}, but version {number} is Rejected: choose another version, or approve "
            f"it with groundloop approve {number} --reason ..."
        )
    return str(arn)


def _package(sagemaker: Any, s3: Any, arn: str, name: str) -> tuple[str, tuple[str, ...]]:
    """Return the URI of a version's model.tar.gz, and its class list."""
    described = sagemaker.describe_model_package(ModelPackageName=arn)
    containers = described.get("InferenceSpecification", {}).get("Containers", [])
    uri = containers[0].get("ModelDataUrl", "") if containers else ""
    summary = (described.get("CustomerMetadataProperties") or {}).get("summary", "")
    if not uri or not summary:
        raise UserError(
            f"training.start_from: {name} names no {'model.tar.gz' if not uri else 'summary with its class list'}, so "
            "this pipeline didn't register it: give the S3 URI of its model.tar.gz, and its classes in labels.classes"
        )
    return uri, tuple(read_summary(s3, summary)["classes"])


def _download(s3: Any, uri: str, target: Path) -> None:
    bucket, key = split_uri(uri)
    try:
        with target.open("wb") as stream:
            s3.download_fileobj(bucket, key, stream)
    except ClientError as error:
        if is_missing(error):
            raise UserError(f"training.start_from: there is no model at {uri}: check the URI") from None
        if is_forbidden(error):
            raise UserError(
                f"training.start_from: access to {uri} is denied: allow the job's role s3:GetObject on it, and "
                "kms:Decrypt on its key"
            ) from None
        raise


def _hyperparameters(archive: Path, uri: str) -> dict[str, Any]:
    """Return the hyperparameters that the algorithm puts into its archives.

    Raises:
        UserError: it is no archive of the algorithm.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                if member.isfile() and member.name.rpartition("/")[2] == _HYPERPARAMETERS_FILE:
                    file = tar.extractfile(member)
                    values = json.loads(file.read(_MAX_HYPERPARAMETERS_BYTES)) if file else None
                    if isinstance(values, dict) and {"base_network", "num_classes"} <= values.keys():
                        int(values["num_classes"])
                        int(values.get("image_shape", 0))
                        return values
                    raise UserError(
                        _no_archive(uri, f"its {_HYPERPARAMETERS_FILE} has no base_network and num_classes")
                    )
    except (*_DAMAGED, TypeError, RecursionError) as error:
        raise UserError(_no_archive(uri, str(error))) from None
    raise UserError(_no_archive(uri, f"it holds no {_HYPERPARAMETERS_FILE}"))


def _no_archive(uri: str, why: str) -> str:
    return (
        f"training.start_from: {uri} is not a model.tar.gz of the built-in Object Detection algorithm ({why}): give "
        "the archive that its training job wrote"
    )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
