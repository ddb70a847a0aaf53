"""Training that starts once enough labels were reviewed; each label counts once, and drift alone never starts it.

`groundloop review finish --publish` writes the labels of all reviews as one manifest, under a name made of its content.
New are those labels of the newest manifest that no execution was started with: neither one that this module, or
`groundloop review finish --start`, has started, whatever became of it, nor the one that registered an approved version.

The caller needs `s3:ListBucket` and `s3:GetObject` for the manifests, `sagemaker:ListPipelineExecutions`,
`sagemaker:DescribePipeline` and `sagemaker:StartPipelineExecution`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from groundloop.aws import client, is_not_found
from groundloop.errors import UserError
from groundloop.executions.control import no_pipeline, start
from groundloop.labels.attributes import CANONICAL, METADATA
from groundloop.s3 import join_uri, read_bytes, split_uri

#: Parameter of the training pipeline that takes the manifest.
PARAMETER = "ReviewedManifest"
_NAME = re.compile(r"(?:^|/)([0-9a-f]{64})\.manifest$")
_EXECUTION = "reviewed-"
# Of the manifest's hash: a display name has at most 82 characters.
_DIGITS = 32


@dataclass(frozen=True)
class NewLabels:
    """Reviewed labels that no execution was started with.

    Attributes:
        manifest: S3 URI of the newest manifest of reviewed labels; None where nothing was published.
        labels: how many it has.
        new: how many of them are new.
    """

    manifest: str | None
    labels: int
    new: int


@dataclass(frozen=True)
class Retraining:
    """What the count of new labels led to.

    Attributes:
        counted: the labels.
        execution: ARN of the execution that was started; None if none was.
    """

    counted: NewLabels
    execution: str | None

    def message(self, at: int) -> str:
        """Say what was counted and started.

        Args:
            at: number of new labels that starts training.
        """
        text = f"{self.counted.new} of {self.counted.labels} reviewed labels are new"
        if self.execution:
            return f"{text}: started {self.execution}"
        return f"{text}; training starts at {at}"


class _Line(msgspec.Struct):
    source_ref: str = msgspec.field(name="source-ref")
    metadata: dict[str, msgspec.Raw] = msgspec.field(name=CANONICAL + METADATA, default={})


_LINES = msgspec.json.Decoder(_Line)


def start_when_due(region: str, pipeline: str, reviews: str, at: int, trained: Collection[str]) -> Retraining:
    """Start the training pipeline with the newest reviewed labels if enough of them are new.

    Repeated calls, also at the same time, start one execution: its name and the request's token are made of the
    manifest's content.

    Args:
        region: AWS region.
        pipeline: name of the training pipeline.
        reviews: S3 prefix of the manifests of reviewed labels.
        at: number of new labels that starts it.
        trained: S3 URIs of manifests whose labels are in an approved version's training data.

    Raises:
        UserError: there is no such pipeline, or it has no parameter for the manifest.
    """
    counted = count_new_labels(region, pipeline, reviews, trained)
    if counted.manifest is None or counted.new < at:
        return Retraining(counted, None)
    token = hashlib.sha256(f"{pipeline} {counted.manifest}".encode()).hexdigest()
    return Retraining(counted, start_with(region, pipeline, counted.manifest, token))


def start_with(region: str, pipeline: str, manifest: str, token: str | None = None) -> str:
    """Start the training pipeline with a manifest of reviewed labels, which then count as used; return the ARN.

    Args:
        region: AWS region.
        pipeline: name of the training pipeline.
        manifest: S3 URI.
        token: makes repeated requests one; None starts an execution in any case.

    Raises:
        UserError: there is no such pipeline, or it has no parameter for the manifest.
    """
    found = _NAME.search(manifest)
    name = f"{_EXECUTION}{found[1][:_DIGITS]}" if found else None
    return start(region, pipeline, [f"{PARAMETER}={manifest}"], name=name, token=token)


def count_new_labels(region: str, pipeline: str, reviews: str, trained: Collection[str]) -> NewLabels:
    """Count the labels of the newest manifest that no execution was started with.

    Args:
        region: AWS region.
        pipeline: name of the training pipeline.
        reviews: S3 prefix of the manifests of reviewed labels.
        trained: S3 URIs of manifests whose labels are in an approved version's training data.

    Raises:
        UserError: there is no such pipeline.
    """
    s3 = client("s3", region)
    published = _published(s3, reviews)
    if not published:
        return NewLabels(None, 0, 0)
    newest = join_uri(reviews, f"{published[-1]}.manifest")
    labels = _labels(s3, newest)
    started = _started(region, pipeline)
    used = {join_uri(reviews, f"{sha}.manifest") for sha in published if sha[:_DIGITS] in started}
    used |= {uri for uri in trained if _NAME.search(uri)}
    if newest in used:
        return NewLabels(newest, len(labels), 0)
    new = set(labels)
    for uri in used:
        new -= _labels(s3, uri)
    return NewLabels(newest, len(labels), len(new))


def _published(s3: Any, reviews: str) -> list[str]:
    """Return the hashes of the published manifests, the newest last."""
    bucket, prefix = split_uri(reviews.rstrip("/") + "/")
    found = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            name = _NAME.search(item["Key"])
            if name and item["Key"].count("/") == prefix.count("/"):
                # S3 tells seconds; of two in one second the larger is most likely the later.
                found.append((item["LastModified"], item["Size"], name[1]))
    return [sha for _, _, sha in sorted(found)]


def _started(region: str, pipeline: str) -> frozenset[str]:
    """Return the beginnings of the hashes of the manifests that executions were started with."""
    pages = client("sagemaker", region).get_paginator("list_pipeline_executions")
    try:
        names = [
            summary.get("PipelineExecutionDisplayName", "")
            for page in pages.paginate(PipelineName=pipeline, PaginationConfig={"PageSize": 100})
            for summary in page["PipelineExecutionSummaries"]
        ]
    except ClientError as error:
        if is_not_found(error):
            raise no_pipeline(region, pipeline) from None
        raise
    return frozenset(name.removeprefix(_EXECUTION) for name in names if name.startswith(_EXECUTION))


def _labels(s3: Any, manifest: str) -> set[tuple[str, str]]:
    """Return image and creation date of each label of a manifest; none where it is gone."""
    try:
        content = read_bytes(s3, manifest)
        lines = [_LINES.decode(line) for line in content.splitlines() if line.strip()]
    except UserError:
        return set()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{manifest} is not a manifest of reviewed labels: {error}") from None
    return {(line.source_ref, bytes(line.metadata.get("creation-date", b"")).decode()) for line in lines}
