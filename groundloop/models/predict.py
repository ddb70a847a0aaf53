"""Pictures of what an endpoint sees."""

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
    """Ask the endpoint about an encoded image.

    Returns:
        The image with the detections of at least ``threshold`` drawn on it, and those detections.

    Raises:
        UserError: it is no image.
    """
    try:
        picture = Image.open(io.BytesIO(image))
        picture.load()
    except (UnidentifiedImageError, OSError):
        raise UserError("this is no image that can be read: give a JPEG or PNG") from None
    detections = EndpointClient(client("sagemaker-runtime", region), endpoint, package.classes).detect(image)
    return draw_detections(picture, detections, threshold), detections.at(threshold)
