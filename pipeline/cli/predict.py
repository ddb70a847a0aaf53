"""`groundloop predict`: detect objects on one image with the endpoint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load
from pipeline.cli.output import print_json, print_line, print_values

if TYPE_CHECKING:
    from pipeline.config import Config


def predict(
    image: Annotated[Path, typer.Argument(help="JPEG or PNG.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Image file to write with the boxes drawn.")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="Endpoint; default: deploy.endpoint.name.")] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Minimum score; default: the evaluation's.")
    ] = None,
    timeout_minutes: Annotated[
        float, typer.Option("--timeout-minutes", min=0.01, help="How long to wait for an asynchronous endpoint.")
    ] = 15,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Detect objects on one image with the endpoint.

    --json prints each detection: class, score, and box as xmin, ymin, xmax, ymax in fractions of the image. An
    asynchronous endpoint reads the image from S3: it is uploaded to predict/ under aws.prefix.

    Example: groundloop predict photo.jpg -o annotated.jpg
    """
    from groundloop.errors import UserError

    settings = load(config, assignments)
    try:
        content = image.read_bytes()
    except OSError as error:
        raise UserError(f"{image}: can't be read: {error.strerror}") from None
    from groundloop.images.fonts import font_note
    from groundloop.models.packages import served_by
    from groundloop.models.predict import annotate

    name = endpoint or settings.deploy.endpoint.name
    package = served_by(settings.aws.region, name, settings.registry.group)
    minimum = package.thresholds if threshold is None else threshold
    annotated, detections = annotate(
        settings.aws.region,
        name,
        package,
        content,
        minimum,
        upload_prefix=upload_prefix(settings),
        timeout_seconds=timeout_minutes * 60,
    )
    if output is not None:
        annotated.save(output)
        if note := font_note(package.classes):
            print_line(f"note: {note}", to_stderr=True)
    if as_json:
        rows = zip(detections.names, detections.confidence.tolist(), detections.xyxyn.tolist(), strict=True)
        print_json(
            {
                "image": str(image),
                "endpoint": name,
                "version": package.version,
                "threshold": minimum,
                "counts": detections.count(),
                "detections": [{"class": label, "score": score, "box": box} for label, score, box in rows],
                "output": None if output is None else str(output),
            }
        )
        return
    print_values(detections.count())
    if output is not None:
        print_line(f"written: {output}")


def upload_prefix(config: Config) -> str:
    """Return the S3 prefix of the images for an asynchronous endpoint, which the execution role can read."""
    return f"s3://{config.aws.bucket}/{config.aws.prefix}/predict"
