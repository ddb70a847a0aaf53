"""`groundloop labels convert`: labels from one tool's format into another's."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from groundloop.escaping import shortened
from groundloop.labels.formats.format_name import FormatName, WrittenFormat
from pipeline.cli.labels.progress import counter
from pipeline.cli.options import Region
from pipeline.cli.output import print_line

if TYPE_CHECKING:
    from groundloop.labels.formats.dataset import LabelledDataset


def convert(
    source: Annotated[str, typer.Argument(metavar="SRC", help="File or folder to read; a path or an S3 URI.")],
    destination: Annotated[str, typer.Argument(metavar="DST", help="File or folder to write; nothing is overwritten.")],
    to: Annotated[WrittenFormat, typer.Option("--to", help="Format to write.")],
    from_: Annotated[FormatName | None, typer.Option("--from", help="Format to read; else it is recognised.")] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="Folder with the images: for sizes and rules, and copied where the format keeps images."),
    ] = None,
    prefix: Annotated[
        str | None, typer.Option(help="S3 folder of the images, s3://bucket/images/: put before or taken off names.")
    ] = None,
    label_attribute: Annotated[str, typer.Option(help="Label attribute of manifests; auto: the only one.")] = "auto",
    strict: Annotated[bool, typer.Option("--strict", help="Write nothing when an image has to be left out.")] = False,
    region: Region = "us-east-1",
) -> None:
    """Convert labels from one format to another.

    Formats: Ground Truth, COCO, YOLO, Pascal VOC, CSV, JumpStart and Rekognition.

    Also from Ground Truth's video jobs, and from what people answered in A2I's human loops (a folder of output.json).
    Notes list what a format cannot hold. Images with faulty labels are left out of COCO, YOLO, Pascal VOC
    and CSV, and listed.

    Example: groundloop labels convert output.manifest dataset/ --to yolo --images photos/
    """
    from groundloop.errors import UserError
    from groundloop.images.local import ImageFolder
    from groundloop.labels.formats.disk import check_free
    from groundloop.labels.formats.registry import FORMATS, WRITERS, Options, detect
    from groundloop.labels.label_input import fetch_from_s3, labels_at
    from groundloop.labels.reading import name_images

    if destination.startswith("s3://"):
        raise UserError(f"{destination} is in S3, and labels are written to the disk: copy them there with aws s3 sync")
    target = Path(destination)
    check_free(target)  # before the work

    def options() -> Options:
        """With an ImageFolder of its own: names may change, and there each file belongs to one name."""
        return Options(ImageFolder(images) if images else None, label_attribute, fetch_from_s3(region), strict=False)

    with labels_at(source, region, counter("files")) as labels:
        if not labels.path.exists():
            raise UserError(f"{source} does not exist: check the path")
        read_format = from_ or detect(labels.path)
        if images is None and FORMATS[read_format].measures_images:
            labels.fetch_images()
        dataset = FORMATS[read_format].read(labels.path, options())
        if strict and dataset.left_out:
            raise UserError(*map(labels.named, dataset.left_out))
        named = name_images(dataset, to, prefix)
        written = WRITERS[to](named, target, options())
        print_line(f"read       {_counts(dataset)}, from {read_format.value} {source}")
        print_line(f"classes    {', '.join(dataset.classes) or 'none'}")
        for note in (*named.notes, *written):
            print_line(shortened(f"note       {labels.named(note)}"))
        for message in dataset.left_out:
            print_line(shortened(f"left out   {labels.named(message)}"))
        print_line(f"written    {to.value} {destination}")
    copied = FORMATS[FormatName(to.value)].keeps_images and images is not None
    for command in _next_steps(destination, to, target if copied else images, prefix):
        print_line(f"next       {command}")


def _next_steps(destination: str, to: WrittenFormat, images: Path | None, prefix: str | None) -> list[str]:
    """Return the commands that use what was written."""
    from pipeline.cli.local.settings import program_name

    program, written = program_name(), shlex.quote(destination)
    if images is None:
        return [f"{program} labels check {written}"] if to is WrittenFormat.GROUNDTRUTH else []
    folder = shlex.quote(str(images))
    steps = [
        f"{program} labels check {written} --images {folder}",
        f"{program} local run --labels {written} --images {folder}",
    ]
    if to is WrittenFormat.GROUNDTRUTH and prefix is not None:
        steps.append(f"aws s3 sync {folder} {shlex.quote(prefix)}")
    return steps


def _counts(dataset: LabelledDataset) -> str:
    return f"{len(dataset.images)} images ({dataset.negatives} without boxes), {dataset.boxes} boxes"
