"""Labelling jobs of this configuration: their input files, their request, and what they cost at most."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groundloop.aws import client
from groundloop.errors import ConfigError, UserError
from groundloop.labeling.input_manifest import InputManifest
from groundloop.labeling.job_request import AutoLabeling, HumanTask, LabelingJob, create_labeling_job_request
from groundloop.labeling.label_categories import VERDICTS, label_categories
from groundloop.labeling.prices import CostBound, cost_bound
from groundloop.labeling.worker_template import labeling_template
from groundloop.labels.attributes import AUTO
from groundloop.labels.label_input import LOCAL_PREFIX, read_manifest
from groundloop.labels.records import Line
from groundloop.s3 import join_uri, object_exists
from groundloop.spec.labeling_jobs import TaskType

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.config.loading import LoadedConfig

_TITLES = {
    TaskType.BOUNDING_BOX: "Draw a box around each object",
    TaskType.ADJUSTMENT: "Correct the boxes: move, delete and add them",
    TaskType.VERIFICATION: "Are the boxes right and complete?",
}


@dataclass(frozen=True, slots=True)
class JobOptions:
    """What the command line says of a job.

    Attributes:
        attribute: label attribute of the output.
        max_objects, max_percent: where the job stops.
        auto_labeling: whether and how a model labels a part.
    """

    attribute: str
    max_objects: int | None = None
    max_percent: int | None = None
    auto_labeling: AutoLabeling | None = None


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job that could be created: nothing is in AWS yet.

    Attributes:
        request: arguments of CreateLabelingJob.
        files: contents of its input files by S3 key.
        manifest: its input.
        cost: what it costs at most.
    """

    request: dict[str, Any]
    files: dict[str, bytes]
    manifest: InputManifest
    cost: CostBound


def plan_job(
    config: Config,
    name: str,
    task_type: TaskType,
    manifest: InputManifest,
    classes: Sequence[str],
    options: JobOptions,
    earlier: str | None = None,
) -> PlannedJob:
    """Build and check a labelling job, without AWS.

    Args:
        config: the configuration.
        name: of the job.
        task_type: draw, adjust or verify.
        manifest: the input.
        classes: names in id order; of the earlier labels, for a chained job.
        options: what the command line says.
        earlier: for a chained job, the label attribute to look at.

    Raises:
        UserError: AWS would refuse the job.
    """
    labeling = config.labeling
    verdicts = task_type is TaskType.VERIFICATION
    files = {
        _key(config, manifest.content, ".manifest"): manifest.content,
        _key(config, categories := label_categories(VERDICTS if verdicts else classes), ".json"): categories,
    }
    manifest_key, categories_key = files
    title = labeling.title or _TITLES[task_type]
    template_uri = labeling.template
    if template_uri is None:
        text = labeling_template(task_type, title, labeling.instructions, earlier, classes).encode()
        files[_key(config, text, ".liquid.html")] = text
        template_uri = _uri(config, _key(config, text, ".liquid.html"))
    job = LabelingJob(
        name=name,
        attribute=options.attribute,
        task_type=task_type,
        region=config.aws.region,
        role=labeling.role or config.aws.role,
        task=human_task(config, title),
        manifest_uri=_uri(config, manifest_key),
        categories_uri=_uri(config, categories_key),
        template_uri=template_uri,
        objects=manifest.objects,
        output_uri=_uri(config, f"{config.aws.prefix}/labeling/jobs"),
        earlier=earlier,
        max_objects=options.max_objects,
        max_percent=options.max_percent,
        auto_labeling=options.auto_labeling,
        kms_key=config.aws.kms_key,
        tags=config.aws.tags,
    )
    objects = min(manifest.objects, options.max_objects or manifest.objects)
    if options.max_percent is not None:
        objects = min(objects, -(-manifest.objects * options.max_percent // 100))
    cost = cost_bound(
        objects,
        labeling.workers,
        object_usd=labeling.object_usd,
        answer_usd=labeling.answer_usd,
        auto_labeling=options.auto_labeling is not None,
    )
    return PlannedJob(create_labeling_job_request(job), files, manifest, cost)


def human_task(config: Config, title: str) -> HumanTask:
    """Return what workers are asked, by the configuration.

    Raises:
        ConfigError: no workteam is set.
    """
    labeling = config.labeling
    if labeling.workteam is None:
        raise ConfigError(
            "labeling.workteam is not set: give the ARN of a private workteam (aws sagemaker list-workteams)"
        )
    return HumanTask(
        workteam=labeling.workteam,
        title=title,
        description=labeling.instructions or title,
        workers=labeling.workers,
        time_limit_seconds=labeling.time_limit_minutes * 60,
        availability_seconds=labeling.availability_days * 24 * 3600,
        max_concurrent=labeling.max_concurrent_tasks,
    )


def upload_files(config: Config, files: dict[str, bytes]) -> None:
    """Upload the files that are not there; their keys contain their hash, so nothing is overwritten.

    Args:
        config: names the bucket.
        files: contents by key.
    """
    s3 = client("s3", config.aws.region)
    extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": config.aws.kms_key} if config.aws.kms_key else {}
    for key, content in files.items():
        if not object_exists(s3, config.aws.bucket, key):
            s3.put_object(Bucket=config.aws.bucket, Key=key, Body=content, **extra)


def publish(config: Config, name: str, content: bytes) -> str:
    """Upload a manifest under a name made from its content; return its S3 URI.

    Args:
        config: names the bucket.
        name: of the job or flow, a folder of the key.
        content: of the manifest.
    """
    key = f"{config.aws.prefix}/labeling/{name}/{hashlib.sha256(content).hexdigest()}.manifest"
    upload_files(config, {key: content})
    return _uri(config, key)


def configured_lines(loaded: LoadedConfig, more: Sequence[str] = ()) -> list[Line]:
    """Return the lines of all labels that the configuration names, as far as they name images by S3 URI.

    Args:
        loaded: `labels.manifest` may be missing, as before the first job.
        more: paths or S3 URIs of further labels, in any format.
    """
    labels, region = loaded.config.labels, loaded.config.aws.region
    lines: list[Line] = []
    if "labels.manifest" not in loaded.missing:
        lines += read_manifest(labels.manifest, region, labels.attribute).lines
    for source in labels.additional_sources:
        found = read_manifest(source.uri, region, source.attribute).lines
        lines += found if source.images is None else [_in_s3(line, source.images) for line in found]
    for place in more:
        lines += read_manifest(place, region, AUTO).lines
    return lines


def _in_s3(line: Line, images: str) -> Line:
    """Name the image of a line by its S3 URI, where its format names it by file."""
    import msgspec

    record = line.record
    if record is None or not record.source_ref.startswith(LOCAL_PREFIX):
        return line
    name = join_uri(images, record.source_ref.removeprefix(LOCAL_PREFIX))
    return msgspec.structs.replace(line, record=msgspec.structs.replace(record, source_ref=name))


def cors_warning(region: str, bucket: str) -> str | None:
    """Return a warning if browsers may not read a bucket's images, which workers' pages have to; None if they may.

    Args:
        region: AWS region.
        bucket: of the images.
    """
    from botocore.exceptions import ClientError

    from groundloop.s3 import error_code, is_forbidden

    try:
        rules: list[dict[str, Any]] = client("s3", region).get_bucket_cors(Bucket=bucket)["CORSRules"]
    except ClientError as error:
        if is_forbidden(error):
            return f"the CORS rules of bucket {bucket} can't be read: workers see its images only if GET is allowed"
        if error_code(error) != "NoSuchCORSConfiguration":
            raise
        rules = []
    if any("GET" in rule.get("AllowedMethods", ()) for rule in rules):
        return None
    return (
        f"bucket {bucket} has no CORS rule for GET, so workers' pages can't show its images: aws s3api put-bucket-cors "
        f"--bucket {bucket} --cors-configuration "
        """'{"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "AllowedHeaders": []}]}'"""
    )


def check_images_prefix(images: str) -> str:
    """Return an S3 prefix as it is.

    Raises:
        UserError: it is no S3 URI.
    """
    if not images.startswith("s3://"):
        raise UserError(
            f"{images} is not in S3, where labelling jobs read images: upload them, or use groundloop label"
        )
    return images


def _key(config: Config, content: bytes, suffix: str) -> str:
    return f"{config.aws.prefix}/labeling/inputs/{hashlib.sha256(content).hexdigest()}{suffix}"


def _uri(config: Config, key: str) -> str:
    return f"s3://{config.aws.bucket}/{key}"
