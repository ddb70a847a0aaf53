"""The pipeline on the offline AWS, from someone's manifest and images to an endpoint that answers."""

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
from groundloop.s3 import read_bytes
from pipeline.config import Config
from pipeline.demo.upload_images import make_bucket, place, source_refs
from pipeline.upsert import upsert_pipelines


@dataclass(frozen=True)
class OfflineRunResult:
    """What an execution on the offline AWS left behind."""

    outcome: ExecutionResult
    package: Package
    endpoint: str | None
    test_images: list[str]


def new_home() -> Path:
    """A folder for one offline AWS: its job folders and logs."""
    return Path(".groundloop") / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"


@contextlib.contextmanager
def offline_aws(config: Config, home: Path, port: int = 0) -> Iterator[LocalAws]:
    """Start an offline AWS with the configuration's bucket, and point this process at it while the body runs."""
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


def upload_labels(config: Config, manifest: Path, images: Path, tell: Callable[[str], None]) -> None:
    """The manifest to where the configuration says it is, its images to where its lines say they are."""
    s3 = client("s3", config.aws.region)
    references = source_refs(manifest)
    if not references:
        raise UserError(f"--labels {manifest}: no line names an image (source-ref with an s3:// URI)")
    placed = place(s3, references, images)
    tell(f"placed {placed.count} images under the S3 URIs that {manifest.name} names")
    if placed.missing:
        tell(f"not found in {images}: {len(placed.missing)} images, e.g. {placed.missing[0]}; Prepare keeps them out")
    bucket, _, key = config.labels.manifest.removeprefix("s3://").partition("/")
    make_bucket(s3, bucket)
    s3.put_object(Bucket=bucket, Key=key, Body=manifest.read_bytes())


def run(config: Config, follow: Callable[[str, str], ExecutionResult], tell: Callable[[str], None]) -> OfflineRunResult:
    """Upsert, start and follow one execution to its end.

    Raises:
        UserError: it failed, or ended without registering a package.
    """
    region = config.aws.region
    for pipeline in upsert_pipelines(config):
        tell(f"{'created' if pipeline.created else 'updated'} pipeline {pipeline.name}")
    arn = start(region, config.pipeline.name, [])
    tell(f"started {arn}")
    outcome = follow(region, arn)
    package_arn = registered_package(region, arn)
    if package_arn is None:
        raise UserError("the execution ended without a registered package")
    endpoint = config.deploy.endpoint.name if config.deploy.mode == "on_pass" else None
    registered = package(region, package_arn)
    return OfflineRunResult(outcome, registered, endpoint, _test_images(region, registered))


def _test_images(region: str, package: Package) -> list[str]:
    """S3 URIs of the test split's images, in the manifest's order."""
    lines = read_bytes(client("s3", region), package.test_manifest_uri).splitlines()
    return [json.loads(line)["source-ref"] for line in lines]
