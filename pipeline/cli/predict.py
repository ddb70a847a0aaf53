"""`groundloop predict`: detect objects on one image with the endpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, load
from pipeline.cli.output import print_line, print_values


def predict(
    image: Annotated[Path, typer.Argument(help="JPEG or PNG.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Image file to write with the boxes drawn.")
    ] = None,
    endpoint: Annotated[str | None, typer.Option(help="Endpoint; default: deploy.endpoint.name.")] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Minimum score; default: the evaluation's.")
    ] = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Detect objects on one image with the endpoint.

    Example: groundloop predict photo.jpg -o annotated.jpg
    """
    from groundloop.errors import UserError

    settings = load(config, assignments)
    try:
        content = image.read_bytes()
    except OSError as error:
        raise UserError(f"{image}: can't be read: {error.strerror}") from None
    from groundloop.models.packages import served_by
    from groundloop.models.predict import annotate

    name = endpoint or settings.deploy.endpoint.name
    package = served_by(settings.aws.region, name, settings.registry.group)
    minimum = package.thresholds if threshold is None else threshold
    annotated, detections = annotate(settings.aws.region, name, package, content, minimum)
    print_values(detections.counts())
    if output is not None:
        annotated.save(output)
        print_line(f"written: {output}")
