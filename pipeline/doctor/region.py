"""Whether the region has the images that the jobs run; told from tables, without AWS."""

from __future__ import annotations

from groundloop.aws import check_region
from groundloop.errors import ConfigError
from pipeline.config import Config
from pipeline.doctor.findings import AccountFinding, error, ok

REGION = "region"


def container_images(config: Config) -> list[str]:
    """URIs of the images of all jobs: the built-in algorithm's and that of the processing jobs.

    Raises:
        ConfigError: the region does not exist, or lacks one of them.
    """
    from pipeline import sdk  # noqa: F401  (first: the SDK can't be imported without a region)
    from steps.processing import processing_image_uri
    from steps.train.step import algorithm_image_uri

    region, what = config.aws.region, "built-in Object Detection algorithm"
    try:
        algorithm = algorithm_image_uri(region)
        what = "scikit-learn image for the processing jobs; there, set processing.image_uri"
        return [algorithm, processing_image_uri(config.processing, region)]
    except ValueError:
        check_region(region)
        raise ConfigError(f"aws.region is {region!r}, which has no {what}") from None


def region(config: Config) -> list[AccountFinding]:
    """Check that the region has the images of all jobs."""
    try:
        images = container_images(config)
    except ConfigError as fault:
        return [error(REGION, str(fault), "set aws.region to one that has it, us-east-1 or eu-west-1 for instance")]
    return [ok(REGION, f"{config.aws.region} has {' and '.join(images)}")]
