"""Labels from a path in one call, for notebooks: read them in any format, check a manifest, write them elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from groundloop.errors import UserError
from groundloop.images.local import ImageFolder
from groundloop.labels.attributes import AUTO
from groundloop.labels.checking import CheckResult, check_lines
from groundloop.labels.classes import ClassList
from groundloop.labels.formats.dataset import LabelledDataset
from groundloop.labels.formats.disk import check_free
from groundloop.labels.formats.format_name import FormatName, WrittenFormat
from groundloop.labels.formats.names import as_file_names, under_prefix
from groundloop.labels.formats.registry import FORMATS, WRITERS, Options, detect
from groundloop.labels.label_input import read_manifest

_REGION = "us-east-1"


def read_labels(
    path: str | Path, *, label_format: str = AUTO, images: str | Path | None = None, label_attribute: str = AUTO
) -> LabelledDataset:
    r"""Read labels from disk, in any format that `groundloop labels convert` reads.

    Args:
        path: file or folder: a Ground Truth manifest, COCO, YOLO, Pascal VOC, CSV, JumpStart, A2I output, video labels.
        label_format: one of `groundtruth`, `coco`, `yolo`, `voc`, `csv`, `jumpstart`, `rekognition`, `a2i`, `video`;
            `auto` recognises it.
        images: folder with the image files, for formats that don't hold the images' sizes.
        label_attribute: which labels of a manifest to read; `auto` takes the only ones there are.

    Returns:
        The images with their boxes in pixels, the class names in the order of their ids, and notes on what was left
        out.

    Raises:
        UserError: the path does not exist, is in no known format, or holds labels that cannot be used.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "labels.csv")
        ...     _ = file.write_text("image,label,left,top,width,height\na.jpg,bolt,10,20,30,40\n")
        ...     labels = read_labels(file)
        >>> labels.classes, labels.images[0].boxes[0].width
        (('bolt',), 30.0)
    """
    source = Path(path)
    name = detect(source) if label_format == AUTO else _format_name(label_format)
    return FORMATS[name].read(source, Options(_folder(images), label_attribute))


def check_manifest(
    path: str | Path, *, label_attribute: str = AUTO, classes: Sequence[str] | None = None, region: str = _REGION
) -> CheckResult:
    """Check every line of a Ground Truth manifest, as `groundloop labels check` does.

    Args:
        path: path or S3 URI of the manifest, plain or gzip.
        label_attribute: which labels to check; `auto` takes the only ones there are.
        classes: the class names that are allowed, in the order of their ids; None allows all.
        region: AWS region, for an S3 URI.

    Returns:
        The number of lines by status, the classes, counts of boxes, and all findings with code, line and message.

    Raises:
        UserError: the file cannot be read, or `auto` has several label attributes to choose from.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> metadata = '{"type": "groundtruth/object-detection"}'
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "output.manifest")
        ...     _ = file.write_text('{"source-ref": "s3://b/a.jpg", "parts": {}, "parts-metadata": %s}' % metadata)
        ...     result = check_manifest(file)
        >>> result.findings[0].line, result.findings[0].code.value
        (1, 'ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT')
    """
    configured = ClassList.from_config(list(classes)) if classes is not None else None
    attribute, lines, _ = read_manifest(str(path), region, label_attribute, configured.names if configured else None)
    return check_lines(lines, attribute, configured)


def write_labels(
    labels: LabelledDataset,
    path: str | Path,
    label_format: str,
    *,
    images: str | Path | None = None,
    prefix: str | None = None,
) -> list[str]:
    """Write labels in the format of another tool; nothing is overwritten.

    Args:
        labels: as `read_labels` returns them.
        path: file or folder to write.
        label_format: one of `groundtruth`, `coco`, `yolo`, `voc`, `csv`, `jumpstart`, `rekognition`.
        images: folder with the image files, which are copied where the format keeps them.
        prefix: S3 URI of the folder that holds the images, such as `s3://bucket/images/`: put before file names, or
            taken off URIs, as the format needs it.

    Returns:
        Notes on what the format cannot hold, one line each.

    Raises:
        UserError: the path exists already, or the format needs something that is not given.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from groundloop.labels.records import Box
        >>> from groundloop.labels.formats.dataset import LabelledImage
        >>> labels = LabelledDataset((LabelledImage("a.jpg", 320, 240, (Box("bolt", 10, 20, 30, 40),)),), ("bolt",))
        >>> with TemporaryDirectory() as folder:
        ...     _ = write_labels(labels, Path(folder, "labels.csv"), "csv")
        ...     print(Path(folder, "labels.csv").read_text().splitlines()[1])
        a.jpg,bolt,10,20,30,40
    """
    target, written = Path(path), _written_format(label_format)
    check_free(target)
    named = name_images(labels, written, prefix)
    return [*named.notes[len(labels.notes) :], *WRITERS[written](named, target, Options(_folder(images)))]


def name_images(labels: LabelledDataset, target: WrittenFormat, prefix: str | None) -> LabelledDataset:
    """Name the images as the target format can name them: by S3 URI, or by file name.

    Args:
        labels: the labels to write.
        target: the format to write.
        prefix: S3 URI of the folder that holds the images.

    Raises:
        UserError: the prefix is missing, not needed, or does not fit the images.
    """
    format_of = FORMATS[FormatName(target.value)]
    if not format_of.file_names or (format_of.uris and prefix is not None and not labels.in_s3):
        return under_prefix(labels, prefix, target.value)
    if prefix is not None and not labels.in_s3:
        raise UserError(
            f"--prefix {prefix} is not needed: {target.value} names images by files, and so does the source"
        )
    return as_file_names(labels, prefix) if prefix is not None or not format_of.uris else labels


def _format_name(name: str) -> FormatName:
    try:
        return FormatName(name)
    except ValueError:
        raise UserError(
            f"unknown label format {name!r}; use one of {', '.join(one.value for one in FormatName)}"
        ) from None


def _written_format(name: str) -> WrittenFormat:
    try:
        return WrittenFormat(name)
    except ValueError:
        raise UserError(
            f"cannot write the format {name!r}; use one of {', '.join(one.value for one in WrittenFormat)}"
        ) from None


def _folder(images: str | Path | None) -> ImageFolder | None:
    return None if images is None else ImageFolder(Path(images))
