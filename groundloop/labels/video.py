"""Labels of video frames: the SeqLabel.json of a video job, as boxes on single images.

The format: Amazon SageMaker developer guide, "Video frame object detection output" and "Video frame object tracking
output". In real files `frame-no` and `class-id` are text where the guide shows numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import msgspec

from groundloop.errors import UserError
from groundloop.labels.records import Box
from groundloop.suggestions import first_of

KEYS = frozenset({"detection-annotations", "tracking-annotations"})
"""One of them a SeqLabel.json has."""

_Id = Annotated[int, msgspec.Meta(ge=0, le=2**53)] | Annotated[str, msgspec.Meta(max_length=18)]
_GIVE_MAP = "give the job's output manifest, which holds the class-map, instead of the SeqLabel.json"


class _Annotation(msgspec.Struct, rename="kebab"):
    class_id: _Id
    left: float
    top: float
    width: float
    height: float
    object_name: str = ""


class _Frame(msgspec.Struct):
    frame: Annotated[str, msgspec.Meta(min_length=1)]
    annotations: list[_Annotation]


class _Sequence(msgspec.Struct, rename="kebab"):
    detection_annotations: list[_Frame] | None = None
    tracking_annotations: list[_Frame] | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Attributes:
        name: its file name.
        boxes: unchecked, since the file does not say how large the frames are; may be empty.
    """

    name: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Sequence:
    """The frames of one video, in their order, and the names of its classes by id."""

    frames: tuple[Frame, ...]
    class_map: Mapping[str, str]


def read_sequence(data: bytes, class_map: Mapping[str, str] | None = None) -> Sequence:
    """Read the labels of one video.

    Args:
        data: the file.
        class_map: id as text to name, from the metadata beside the file's URI in the output manifest. Without it the
            names come from the objects', as tracking jobs give them (`Vehicle:1` is a Vehicle).

    Raises:
        UserError: the file is not a SeqLabel.json, or a class has no name.
    """
    try:
        sequence = msgspec.json.decode(data, type=_Sequence)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"not the SeqLabel.json of a video job: {error}") from None
    frames = sequence.tracking_annotations if sequence.detection_annotations is None else sequence.detection_annotations
    if frames is None:
        raise UserError(f"not the SeqLabel.json of a video job: it holds no {', no '.join(sorted(KEYS))}")
    names = _names(frames) if class_map is None else class_map
    return Sequence(tuple(Frame(frame.frame, _boxes(frame, names)) for frame in frames), names)


def _names(frames: list[_Frame]) -> dict[str, str]:
    names: dict[str, str] = {}
    for frame in frames:
        for item in frame.annotations:
            class_id = str(item.class_id)
            if not (class_id.isascii() and class_id.isdigit()):
                raise UserError(f"class-id {item.class_id!r} of frame {frame.frame} is not a whole number: correct it")
            name = item.object_name.rpartition(":")[0]
            if not name:
                raise UserError(f"class {item.class_id} of frame {frame.frame} has no name: {_GIVE_MAP}")
            known = names.setdefault(class_id, name)
            if known != name:
                raise UserError(
                    f"class {item.class_id} is called {known!r} and, in frame {frame.frame}, {name!r}: {_GIVE_MAP}"
                )
    return names


def _boxes(frame: _Frame, names: Mapping[str, str]) -> tuple[Box, ...]:
    for item in frame.annotations:
        if str(item.class_id) not in names:
            known = first_of(names)
            raise UserError(f"class {item.class_id} of frame {frame.frame} is not in the class-map ({known})")
    return tuple(
        Box(names[str(item.class_id)], item.left, item.top, item.width, item.height) for item in frame.annotations
    )
