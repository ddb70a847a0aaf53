"""``groundloop predict``: one image to the endpoint, the answer as text and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import Assignments, ConfigFiles, load


def predict(
    image: Annotated[Path, typer.Argument(help="JPEG or PNG.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Annotated picture to write.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="Endpoint; else deploy.endpoint.name.")] = None,
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="Least score; else evaluation's.")] = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Ask the endpoint what is on an image.

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
    least = package.thresholds if threshold is None else threshold
    picture, detections = annotate(settings.aws.region, name, package, content, least)
    for kind, count in detections.counts().items():
        typer.echo(f"{kind:<20} {count}")
    if output is not None:
        picture.save(output)
        typer.echo(f"picture: {output}")
