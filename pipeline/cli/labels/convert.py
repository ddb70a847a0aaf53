"""``groundloop labels convert``: labels from one tool's format into another's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labels.formats.format_name import FormatName

if TYPE_CHECKING:
    from labels.formats.dataset import Dataset


def convert(
    source: Annotated[Path, typer.Argument(help="File or folder to read.")],
    destination: Annotated[Path, typer.Argument(help="File or folder to write; nothing is overwritten.")],
    to: Annotated[FormatName, typer.Option("--to", help="Format to write.")],
    from_: Annotated[FormatName | None, typer.Option("--from", help="Format to read; else it is recognised.")] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder with the images: for sizes, and copied where the format keeps images.")
    ] = None,
    prefix: Annotated[
        str | None, typer.Option(help="S3 folder of the images, s3://bucket/images/: put before or taken off names.")
    ] = None,
    label_attribute: Annotated[str, typer.Option(help="Label attribute of manifests; auto: the only one.")] = "auto",
) -> None:
    """Convert labels between Ground Truth, COCO, YOLO, Pascal VOC, CSV, JumpStart and Rekognition.

    What a format cannot hold is told in notes.

    Example: groundloop labels convert output.manifest dataset/ --to yolo --images photos/
    """
    from labels.errors import UserError
    from labels.formats.disk import check_free
    from labels.formats.images import ImageFolder
    from labels.formats.registry import FORMATS, Options, detect

    for place in (source, destination):
        if place.parts[:1] == ("s3:",):
            raise UserError(f"{place} is in S3, and labels are converted on disk: copy them with aws s3 cp or sync")
    check_free(destination)  # before the work
    read_format = from_ or detect(source)
    if not source.exists():
        raise UserError(f"{source} does not exist: check the path")
    given = Options(ImageFolder(images) if images else None, label_attribute)
    dataset = FORMATS[read_format].read(source, given)
    named = _named(dataset, to, prefix)
    # Another ImageFolder: names may have changed, and each file belongs to one name.
    given = Options(ImageFolder(images) if images else None, label_attribute)
    written = FORMATS[to].write(named, destination, given)
    typer.echo(f"read       {_counts(dataset)}, from {read_format.value} {source}")
    typer.echo(f"classes    {', '.join(dataset.classes) or 'none'}")
    for note in (*named.notes, *written):
        typer.echo(f"note       {note}")
    typer.echo(f"written    {to.value} {destination}")


def _named(dataset: Dataset, to: FormatName, prefix: str | None) -> Dataset:
    """The images named as the target format can name them."""
    from labels.errors import UserError
    from labels.formats.names import as_file_names, under_prefix
    from labels.formats.registry import FORMATS

    target = FORMATS[to]
    if not target.file_names or (target.uris and prefix is not None and not dataset.in_s3):
        return under_prefix(dataset, prefix, to.value)
    if prefix is not None and not dataset.in_s3:
        raise UserError(f"--prefix {prefix} is not needed: {to.value} names images by files, and so does the source")
    return as_file_names(dataset, prefix) if prefix is not None or not target.uris else dataset


def _counts(dataset: Dataset) -> str:
    return f"{len(dataset.images)} images ({dataset.negatives} without boxes), {dataset.boxes} boxes"
