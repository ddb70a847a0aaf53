"""`groundloop labels show`: labelled images with their boxes, on one sheet."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random
from typing import Annotated

import typer

from pipeline.cli.labels.messages import print_notes, require_usable
from pipeline.cli.options import Region
from pipeline.cli.output import print_line


def show(
    manifest: Annotated[str, typer.Argument(help="Labels in any format that convert reads.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Picture to write.")] = Path("labels.jpg"),
    images: Annotated[Path | None, typer.Option(help="Folder with the images; else they are read from S3.")] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=100, help="Images on the sheet.")] = 12,
    only: Annotated[str | None, typer.Option("--class", help="Only images that show this class.")] = None,
    page: Annotated[int, typer.Option(min=1, help="Which of the sheets that hold all images.")] = 1,
    shuffled: Annotated[bool, typer.Option("--random", help="Images in random order instead of the labels'.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of --random; the same one gives the same order.")] = 0,
    label_attribute: Annotated[str, typer.Option(help="Label attribute; auto: the only one there is.")] = "auto",
    region: Region = "us-east-1",
) -> None:
    """Draw labelled images onto a contact sheet.

    Example: groundloop labels show output.manifest --images photos/ -o sheet.jpg
    """
    from groundloop.errors import UserError
    from groundloop.images.fonts import font_note
    from groundloop.labels.label_input import read_manifest
    from groundloop.report.contact_sheet import ImageSource, contact_sheet

    _, lines, notes = read_manifest(manifest, region, label_attribute, images=images)
    print_notes(manifest, notes)
    require_usable(manifest, lines)
    records = [line.record for line in lines if line.record]
    classes = sorted({box.class_name for record in records for box in record.boxes})
    if only is not None:
        records = [record for record in records if any(box.class_name == only for box in record.boxes)]
    if not records:
        of_class = f" of class {only!r}; classes: {', '.join(classes)}" if only else ""
        raise UserError(f"{manifest}: holds no labelled image{of_class}")
    if shuffled:
        Random(seed).shuffle(records)  # noqa: S311 (a choice of images, no secret)
    shown = records[(page - 1) * count : page * count]
    if not shown:
        raise UserError(f"--page {page}: there are {math.ceil(len(records) / count)} pages of {count} images")
    sheet = contact_sheet(shown, classes, ImageSource(images, region))
    try:
        sheet.save(output)
    except (OSError, ValueError) as error:
        raise UserError(f"--output {output}: can't be written: {error}") from None
    if note := font_note(classes):
        print_line(f"note: {note}", to_stderr=True)
    print_line(f"{len(shown)} of {len(records)} images: {output}")
