"""What the monitored endpoint serves: each variant's version with its baseline, and where its requests are captured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from groundloop.aws import client, is_not_found
from groundloop.detections.drift.baseline import Baseline
from groundloop.errors import UserError
from groundloop.models.packages import Package, package
from groundloop.models.version_selection import champion, served_variants
from groundloop.s3 import join_uri, read_bytes
from groundloop.spec.data_capture import CaptureSource

#: The highest MaximumExecutionTimeoutInSeconds of an update.
_LONGEST_UPDATE = timedelta(seconds=28_800)


@dataclass(frozen=True)
class MonitoredVariant:
    """A production variant with its version.

    Attributes:
        name: of the variant.
        package: its version.
        baseline: of that version.
        captures: S3 prefix of its captured requests.
        endpoint: whose variant it is; "" where there is no endpoint.
        takes_unknown: whether requests that don't say what answered them are its own.
    """

    name: str
    package: Package
    baseline: Baseline
    captures: str
    endpoint: str = ""
    takes_unknown: bool = True

    def answered(self, source: CaptureSource | None) -> bool:
        """Return whether this variant answered a request."""
        if source is None:
            return self.takes_unknown
        return not self.endpoint or (source.endpoint, source.variant) == (self.endpoint, self.name)


@dataclass(frozen=True)
class Served:
    """What an endpoint serves.

    Attributes:
        variants: those whose requests are compared.
        since: since when it serves these versions; None where that isn't known.
    """

    variants: tuple[MonitoredVariant, ...]
    since: datetime | None

    def window_start(self, since: datetime) -> datetime:
        """Return the start of a window of requests that these versions answered: a given time, or when they came."""
        return since if self.since is None else max(since, self.since)


def served(region: str, endpoint: str, group: str, captures: str | None) -> Served:
    """Look up what an endpoint serves.

    Args:
        region: AWS region.
        endpoint: its name.
        group: model package group of the versions.
        captures: S3 prefix of all its captured requests, which are the champion's where there is no such endpoint;
            None: where its data capture writes.

    Raises:
        UserError: there is no such endpoint, it captures nothing, it serves no version of the group, or a version has
            no baseline.
    """
    from botocore.exceptions import ClientError

    sagemaker = client("sagemaker", region)
    try:
        described = sagemaker.describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if not is_not_found(error):
            raise
        best = champion(sagemaker, group) if captures else None
        if captures is None or best is None:
            raise UserError(f"there is no endpoint {endpoint!r} in {region}: deploy a version first") from None
        return Served((_variant(region, "champion", best, captures),), None)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
    variants: list[MonitoredVariant] = []
    for variant in served_variants(sagemaker, described["EndpointConfigName"], group):
        if variant.package is None:
            raise UserError(
                f"variant {variant.variant} of endpoint {endpoint!r} serves model {variant.model}, which is not a "
                f"version of {group!r}: there is nothing to compare with"
            )
        place = captures or join_uri(_destination(described, endpoint), f"{endpoint}/{variant.variant}")
        found = _variant(region, variant.variant, variant.package, place)
        variants.append(replace(found, endpoint=endpoint, takes_unknown=not variants))
    return Served(tuple(variants), _since(described, config))


def _since(described: Mapping[str, Any], config: Mapping[str, Any]) -> datetime:
    """Return since when an endpoint serves its present config alone.

    Captured records don't say which version answered, and while an update rolls out, the old one answers too. The end
    of the update is the endpoint's last modification. Instances or weights that change later move that time too: where
    they differ from the config's, or that time is too late for an update, it is the time when the config was made.
    """
    made: datetime = config["CreationTime"]
    modified: datetime = described["LastModifiedTime"]
    as_deployed = {
        variant["VariantName"]: (variant.get("InitialInstanceCount") or 0, variant.get("InitialVariantWeight", 1.0))
        for variant in config["ProductionVariants"]
    }
    now = {
        variant["VariantName"]: (variant.get("CurrentInstanceCount") or 0, variant.get("CurrentWeight", 1.0))
        for variant in described["ProductionVariants"]
    }
    if described["EndpointStatus"] == "InService" and now == as_deployed and made < modified < made + _LONGEST_UPDATE:
        return modified
    return made


def _destination(described: dict[str, Any], endpoint: str) -> str:
    capture = described.get("DataCaptureConfig") or {}
    if not capture.get("EnableCapture") or not capture.get("DestinationS3Uri"):
        raise UserError(
            f"endpoint {endpoint!r} captures no requests: set deploy.endpoint.data_capture_percent and deploy again, "
            "or set monitor.captures to the S3 prefix of captured requests"
        )
    return str(capture["DestinationS3Uri"])


def _variant(region: str, name: str, arn: str, captures: str) -> MonitoredVariant:
    found = package(region, arn)
    if found.baseline_uri is None:
        raise UserError(
            f"version {found.version} has no baseline to compare with: an earlier release registered it. Run the "
            "training pipeline again, which takes its training from the cache, and deploy the new version"
        )
    baseline = Baseline.read(read_bytes(client("s3", region), found.baseline_uri), found.baseline_uri)
    baseline.check(found.classes, found.thresholds, found.baseline_uri)
    return MonitoredVariant(name, found, baseline, captures)
