"""Predict with an endpoint and draw its detections on the image."""

from __future__ import annotations

import io

from PIL import Image, UnidentifiedImageError

from groundloop.aws import client
from groundloop.detections.drawing import draw_detections
from groundloop.detections.endpoint import EndpointClient
from groundloop.detections.predictions import Detections, Threshold
from groundloop.errors import UserError
from groundloop.models.packages import Package


def annotate(
    region: str, endpoint: str, package: Package, image: bytes, threshold: Threshold
) -> tuple[Image.Image, Detections]:
    """Send an encoded image to an endpoint and draw the detections.

    Args:
        region: AWS region.
        endpoint: name of the endpoint.
        package: the model package that it serves; its class list decodes the response.
        image: content of a JPEG or PNG file.
        threshold: minimum score of the detections that are drawn and returned.

    Returns:
        The image with the detections of at least `threshold` drawn on it, and those detections.

    Raises:
        UserError: the bytes are not an image.
    """
    try:
        picture = Image.open(io.BytesIO(image))
        picture.load()
    except (UnidentifiedImageError, OSError):
        raise UserError("the file cannot be read as an image: give a JPEG or PNG") from None
    detections = EndpointClient(client("sagemaker-runtime", region), endpoint, package.classes).detect(image)
    return draw_detections(picture, detections, threshold), detections.at(threshold)
