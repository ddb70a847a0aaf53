"""Where the requests of the configured endpoint are captured, and which versions answered them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from groundloop.aws import client, is_not_found
from groundloop.errors import UserError
from groundloop.prediction.captured_results import CapturedModel
from groundloop.s3 import join_uri

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.config import Config


@dataclass(frozen=True)
class CapturePlace:
    """Where an endpoint's requests are captured.

    Attributes:
        uri: S3 prefix of its files.
        problem: why nothing new is captured there, with the remedy; "" while data capture is on.
        updated: when the endpoint was last updated; None if there is no such endpoint.
    """

    uri: str
    problem: str
    updated: datetime | None


def capture_place(config: Config, endpoint: str | None = None) -> CapturePlace:
    """Return where an endpoint's requests are captured.

    Args:
        config: names region, bucket and endpoint.
        endpoint: its name; None takes deploy.endpoint.name.
    """
    name = endpoint or config.deploy.endpoint.name
    default = f"s3://{config.aws.bucket}/{config.aws.prefix}/capture"
    try:
        described = client("sagemaker", config.aws.region).describe_endpoint(EndpointName=name)
    except ClientError as error:
        if not is_not_found(error):
            raise
        problem = f"there is no endpoint {name!r} in {config.aws.region}"
        return CapturePlace(join_uri(default, name), problem, None)
    capture = described.get("DataCaptureConfig") or {}
    place = join_uri(capture.get("DestinationS3Uri") or default, name)
    problem = ""
    if not capture.get("EnableCapture"):
        problem = (
            f"endpoint {name!r} has no data capture: set deploy.endpoint.data_capture_percent and deploy, or keep "
            f"requests with `groundloop predict --capture {default}`"
        )
    elif capture.get("CaptureStatus") != "Started":
        problem = f"data capture of endpoint {name!r} is {str(capture.get('CaptureStatus')).lower()}"
    return CapturePlace(place, problem, described["LastModifiedTime"])


def served_models(config: Config, endpoint: str | None = None) -> dict[str | None, CapturedModel]:
    """Return the version that each variant of an endpoint serves now, by the variant's name.

    The key "" is for requests whose variant is not known, where there is no other than one.

    Raises:
        UserError: there is no such endpoint, or none of its models is a version of the group.
    """
    from groundloop.models.packages import package
    from groundloop.models.version_selection import served_variants

    region, name, group = config.aws.region, endpoint or config.deploy.endpoint.name, config.registry.group
    sagemaker = client("sagemaker", region)
    try:
        served = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    except ClientError as error:
        if not is_not_found(error):
            raise
        raise UserError(
            f"there is no endpoint {name!r} in {region}: name the version that answered, such as --model 3"
        ) from None
    models: dict[str | None, CapturedModel] = {}
    for variant in served_variants(sagemaker, served, group):
        if variant.package is not None:
            found = package(region, variant.package)
            models[variant.variant] = CapturedModel(found.arn, tuple(found.classes), found.thresholds)
    if not models:
        raise UserError(f"endpoint {name!r} serves no version of {group!r}: name the model that answered with --model")
    if len(models) == 1:
        models[""] = next(iter(models.values()))
    return models


def named_model(which: str, settings: Callable[[], Config]) -> CapturedModel:
    """Return a model that is named: an ONNX file, or what `evaluated_model` takes.

    Raises:
        UserError: there is no such model.
    """
    path = Path(which)
    if path.suffix == ".onnx" and path.is_file():
        from groundloop.prediction.model_files import open_model

        opened = open_model(path)
        return CapturedModel(opened.name, tuple(opened.classes), opened.thresholds)
    from pipeline.review.evaluated_model import evaluated_model

    model = evaluated_model(which, settings)
    return CapturedModel(model.name, model.classes, model.thresholds)


def with_threshold(model: CapturedModel, threshold: float | None) -> CapturedModel:
    """Return the model with one minimum score for all classes, where one is given.

    Raises:
        UserError: none is given, and a class of the model has none.
    """
    if threshold is not None:
        return CapturedModel(model.name, model.classes, dict.fromkeys(model.classes, threshold))
    if len(model.thresholds) < len(model.classes):
        raise UserError(f"no operating thresholds are known of {model.name}: give one, such as --threshold 0.5")
    return CapturedModel(model.name, model.classes, {name: model.thresholds[name] for name in model.classes})
