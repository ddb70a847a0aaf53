"""One run of the pipeline on the offline AWS, from manifest and images to an endpoint."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from groundloop.aws import client
from groundloop.errors import UserError
from groundloop.executions.control import ExecutionResult, registered_package, start
from groundloop.local import LocalAws
from groundloop.models.packages import Package, package
from groundloop.s3 import read_bytes, split_uri
from pipeline.config import Config
from pipeline.demo.upload_images import make_bucket, source_refs, upload_images
from pipeline.upsert import upsert_pipelines


@dataclass(frozen=True)
class OfflineRunResult:
    """The results of an execution on the offline AWS."""

    outcome: ExecutionResult
    package: Package
    endpoint: str | None
    test_images: list[str]


def new_home() -> Path:
    """Return the path of a new folder for one offline AWS: its job folders and logs."""
    return Path(".groundloop") / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"


@contextlib.contextmanager
def offline_aws(config: Config, home: Path, port: int = 0) -> Iterator[LocalAws]:
    """Start an offline AWS with the configuration's bucket, and point this process to it while the body runs."""
    saved = dict(os.environ)
    with LocalAws(home=home, port=port, region=config.aws.region) as aws:
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


def upload_labels(config: Config, manifest: Path, images: Path, report: Callable[[str], None]) -> None:
    """Upload a manifest to `labels.manifest`, and its images to the S3 URIs that its lines name.

    Raises:
        UserError: no line names an image, or the folder holds none of the images.
    """
    s3 = client("s3", config.aws.region)
    references = source_refs(manifest)
    if not references:
        raise UserError(f"--labels {manifest}: no line names an image (source-ref with an s3:// URI)")
    result = upload_images(s3, references, images)
    report(f"uploaded {result.count} images to the S3 URIs that {manifest.name} names")
    if result.missing:
        report(f"not found in {images}: {len(result.missing)} images, e.g. {result.missing[0]}; Prepare rejects them")
    bucket, key = split_uri(config.labels.manifest)
    make_bucket(s3, bucket)
    s3.put_object(Bucket=bucket, Key=key, Body=manifest.read_bytes())


def run_pipeline(
    config: Config, follow: Callable[[str, str], ExecutionResult], report: Callable[[str], None]
) -> OfflineRunResult:
    """Upsert the pipelines, start one execution and follow it to its end.

    Raises:
        UserError: it failed, or ended without registering a package.
    """
    region = config.aws.region
    for pipeline in upsert_pipelines(config):
        report(f"{'created' if pipeline.created else 'updated'} pipeline {pipeline.name}")
    arn = start(region, config.pipeline.name, [])
    report(f"started {arn}")
    outcome = follow(region, arn)
    package_arn = registered_package(region, arn)
    if package_arn is None:
        raise UserError("the execution ended without a registered package")
    endpoint = config.deploy.endpoint.name if config.deploy.mode == "on_pass" else None
    registered = package(region, package_arn)
    return OfflineRunResult(outcome, registered, endpoint, _test_images(region, registered))


def _test_images(region: str, package: Package) -> list[str]:
    """Return the S3 URIs of the test split's images, in the manifest's order."""
    lines = read_bytes(client("s3", region), package.test_manifest_uri).splitlines()
    return [json.loads(line)["source-ref"] for line in lines]
