"""One run of the pipeline on the offline AWS, from manifest and images to an endpoint."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundloop.aws import client
from groundloop.errors import UserError
from groundloop.executions.control import registered_package, start
from groundloop.executions.evaluation import evaluation_prefix, read_metrics, report_uri
from groundloop.local import LocalAws
from groundloop.models.packages import Package, package
from groundloop.s3 import read_bytes, split_uri
from pipeline.config import Config
from pipeline.demo.upload_images import make_bucket, source_refs, upload_images
from pipeline.extras import require
from pipeline.upsert import upsert_pipelines


@dataclass(frozen=True)
class OfflineRunResult:
    """The results of an execution on the offline AWS.

    Attributes:
        metrics: content of evaluation.json.
        prefix: S3 prefix of what Evaluate wrote.
        report: content of report.html.
        package: the registered model package; None if the gate was missed.
        endpoint: name of the endpoint; None if none is in service.
    """

    metrics: dict[str, Any]
    prefix: str
    report: bytes
    package: Package | None
    endpoint: str | None


def new_home() -> Path:
    """Return the path of a new folder for one offline AWS: its job folders and logs."""
    return Path(".groundloop") / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"


@contextlib.contextmanager
def offline_aws(config: Config, home: Path, port: int = 0, *, keep: bool = False) -> Iterator[LocalAws]:
    """Start an offline AWS with the configuration's bucket, and point this process to it while the body runs.

    Args:
        config: names region and bucket.
        home: its folder.
        port: 0 takes a free one.
        keep: continue with the state in the folder, and leave it there.

    Raises:
        UserError: an optional package is not installed.
    """
    require("moto", "sagemaker")
    saved = dict(os.environ)
    with LocalAws(home=home, port=port, region=config.aws.region, keep=keep) as aws:
        try:
            # A profile or an endpoint of one service would send calls elsewhere.
            for name in [name for name in os.environ if name.startswith("AWS_")]:
                del os.environ[name]
            os.environ.update(aws.environment())
            client.cache_clear()
            make_bucket(client("s3", config.aws.region), config.aws.bucket)
            yield aws
        finally:
            os.environ.clear()
            os.environ.update(saved)
            client.cache_clear()


def upload_labels(
    config: Config, manifest: Path, images: Path, report: Callable[[str], None], missing_note: str = ""
) -> None:
    """Upload a manifest to `labels.manifest`, and its images to the S3 URIs that its lines name.

    Args:
        config: names the manifest's S3 URI.
        manifest: the file to upload.
        images: folder with the images.
        report: called with each message.
        missing_note: reported after the number of images that the folder lacks, where that is no fault.

    Raises:
        UserError: no line names an image, or the folder holds none of the images.
    """
    s3 = client("s3", config.aws.region)
    references = source_refs(manifest)
    if not references:
        raise UserError(f"--labels {manifest}: no line names an image (source-ref with an s3:// URI)")
    buckets = sorted({split_uri(reference)[0] for reference in references})
    if len(buckets) > 1:
        report(
            f"note: the images lie in {len(buckets)} buckets, such as {buckets[0]} and {buckets[1]}; Prepare fails "
            "unless the validation and test images are in one"
        )
    result = upload_images(s3, references, images)
    report(f"uploaded {result.count} images to the S3 URIs that {manifest.name} names")
    if result.missing and missing_note:
        report(f"{len(result.missing)} {missing_note}")
    elif result.missing:
        report(f"not found in {images}: {len(result.missing)} images, e.g. {result.missing[0]}; Prepare rejects them")
    bucket, key = split_uri(config.labels.manifest)
    make_bucket(s3, bucket)
    s3.put_object(Bucket=bucket, Key=key, Body=manifest.read_bytes())


def upload_reviewed(config: Config, manifest: Path, images: Path, report: Callable[[str], None]) -> str:
    """Upload a manifest of reviewed labels, and its images to the S3 URIs that its lines name.

    Args:
        config: names the bucket.
        manifest: the file to upload.
        images: folder with the images; those that it lacks may be there with the other labels.
        report: called with each message.

    Returns:
        The manifest's S3 URI.

    Raises:
        UserError: the manifest can't be read, or no line names an image.
    """
    s3 = client("s3", config.aws.region)
    references = source_refs(manifest)
    if not references:
        raise UserError(f"--reviewed {manifest}: no line names an image (source-ref with an s3:// URI)")
    result = upload_images(s3, references, images)
    report(f"uploaded {result.count} reviewed images to the S3 URIs that {manifest.name} names")
    if result.missing:
        report(f"not found in {images}: {len(result.missing)} reviewed images, e.g. {result.missing[0]}")
    key = f"{config.aws.prefix}/reviews/{manifest.name}"
    s3.put_object(Bucket=config.aws.bucket, Key=key, Body=manifest.read_bytes())
    return f"s3://{config.aws.bucket}/{key}"


def start_run(config: Config, report: Callable[[str], None], parameters: Sequence[str] = ()) -> str:
    """Upsert the pipelines, start an execution and return its ARN.

    Args:
        config: of the pipelines.
        report: called with each message.
        parameters: of the execution, `Name=value`.
    """
    region = config.aws.region
    for pipeline in upsert_pipelines(config):
        report(f"{'created' if pipeline.created else 'updated'} pipeline {pipeline.name}")
    arn = start(region, config.pipeline.name, list(parameters))
    report(f"started {arn}")
    return arn


def read_results(config: Config, execution: str) -> OfflineRunResult | None:
    """Return the results of an execution that has ended; None if it ended before its evaluation."""
    region = config.aws.region
    prefix = evaluation_prefix(region, execution)
    if prefix is None:
        return None
    package_arn = registered_package(region, execution)
    return OfflineRunResult(
        metrics=read_metrics(region, prefix),
        prefix=prefix,
        report=read_bytes(client("s3", region), report_uri(prefix)),
        package=package(region, package_arn) if package_arn else None,
        endpoint=_endpoint_in_service(config),
    )


def _endpoint_in_service(config: Config) -> str | None:
    name = config.deploy.endpoint.name
    found = client("sagemaker", config.aws.region).list_endpoints(NameContains=name, StatusEquals="InService")
    return next((item["EndpointName"] for item in found["Endpoints"] if item["EndpointName"] == name), None)


def test_image_uris(region: str, package: Package) -> list[str]:
    """Return the S3 URIs of the test split's images, in the manifest's order."""
    lines = read_bytes(client("s3", region), package.test_manifest_uri).splitlines()
    return [json.loads(line)["source-ref"] for line in lines]
