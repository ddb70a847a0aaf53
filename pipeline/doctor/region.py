"""Checks that the region has the images that the jobs run, from the SDK's tables and without a call."""

from __future__ import annotations

import json
from collections.abc import Callable

from groundloop.aws import check_region
from groundloop.errors import ConfigError
from pipeline.compiled import kept
from pipeline.config import Config
from pipeline.doctor.findings import AccountFinding, error, not_checked, ok
from pipeline.extras import install_command

REGION = "region"


def container_images(config: Config) -> list[str]:
    """Return the URIs of all jobs' container images, looked up now or by an earlier command.

    Raises:
        ConfigError: the region does not exist, or lacks one of them.
    """
    images: list[str] = json.loads(kept(config, "images", lambda: json.dumps(_look_up(config))))
    return images


def _look_up(config: Config) -> list[str]:
    from pipeline import sdk  # noqa: F401  (first: the SDK can't be imported without a region)
    from steps.processing import processing_image_uri, spark_image_uri
    from steps.train.step import algorithm_image_uri

    region, settings = config.aws.region, config.processing
    algorithm = "built-in Object Detection algorithm"
    scikit_learn = "scikit-learn image for the processing jobs; there, set processing.image_uri"
    images: dict[str, Callable[[], str]] = {
        algorithm: lambda: algorithm_image_uri(region),
        scikit_learn: lambda: processing_image_uri(settings, region),
    }
    if settings.engine == "spark":
        spark = "Spark image for Prepare; there, set processing.spark.image_uri"
        images[spark] = lambda: spark_image_uri(settings, region)
    uris = []
    for what, uri in images.items():
        try:
            uris.append(uri())
        except ValueError:
            check_region(region)
            raise ConfigError(f"aws.region is {region!r}, which has no {what}") from None
    return uris


def region(config: Config) -> list[AccountFinding]:
    """Check that the region has the images of all jobs."""
    try:
        images = container_images(config)
    except ModuleNotFoundError as fault:
        if not install_command(fault.name):
            raise
        return [not_checked(REGION, f"{fault.name} is not installed")]
    except ConfigError as fault:
        return [error(REGION, str(fault), "set aws.region to one that has it, us-east-1 or eu-west-1 for instance")]
    return [ok(REGION, f"{config.aws.region} has {' and '.join(images)}")]
