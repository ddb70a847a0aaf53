"""The label category configuration file: the classes that workers can choose, in the order of their ids.

Format: API reference, `CreateLabelingJob`, LabelCategoryConfigS3Uri. A label's position becomes its class id.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from groundloop.errors import UserError
from groundloop.labels.manifest import MAX_CLASS_NAME_LENGTH
from groundloop.spec.labeling_jobs import CATEGORIES_VERSION, MAX_LABELS

#: What a verification job lets workers choose.
VERDICTS = ("good", "bad")


class _Label(msgspec.Struct):
    label: str


class _Categories(msgspec.Struct, rename="kebab"):
    document_version: str
    labels: list[_Label]


def label_categories(names: Sequence[str]) -> bytes:
    """Return the content of the file.

    Args:
        names: in id order.

    Raises:
        UserError: there are none, too many, two alike, or one is too long.

    Example:
        >>> label_categories(["nut", "bolt"])
        b'{"document-version":"2018-11-28","labels":[{"label":"nut"},{"label":"bolt"}]}'
    """
    if not names:
        raise UserError("which classes? Name them with --classes nut,bolt, or in labels.classes of the configuration")
    if len(names) > MAX_LABELS:
        raise UserError(f"a labelling job for bounding boxes takes {MAX_LABELS} classes, and there are {len(names)}")
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise UserError(f"class names must differ, given twice: {', '.join(twice)}")
    if long := [name for name in names if len(name) > MAX_CLASS_NAME_LENGTH]:
        raise UserError(f"class names have up to {MAX_CLASS_NAME_LENGTH} characters: shorten {long[0]!r}")
    return msgspec.json.encode(_Categories(CATEGORIES_VERSION, [_Label(name) for name in names]))


def read_label_categories(content: bytes, place: str) -> tuple[str, ...]:
    """Return the classes of a file, in id order.

    Args:
        content: of the file.
        place: its S3 URI, for the message.

    Raises:
        UserError: it is no such file.
    """
    try:
        return tuple(one.label for one in msgspec.json.decode(content, type=_Categories).labels)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{place} is no label category configuration file: {error}") from None
