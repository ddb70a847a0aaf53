"""Labels of video frames: the SeqLabel.json of a video job, as manifest lines of single images.

The format: Amazon SageMaker developer guide, "Video frame object detection output" and "Video frame object tracking
output". In real files `frame-no` and `class-id` are text where the guide shows numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

from labels.attributes import CANONICAL, METADATA
from labels.errors import UserError
from labels.kinds import DETECTION_TYPE
from labels.manifest import ManifestReader
from labels.records import Line

_Id = Annotated[int, msgspec.Meta(ge=0, le=2**53)] | Annotated[str, msgspec.Meta(max_length=18)]
_GIVE_MAP = "give the class-map, which stands in the output manifest beside the SeqLabel.json's URI"


class _Annotation(msgspec.Struct, rename="kebab"):
    class_id: _Id
    left: float
    top: float
    width: float
    height: float
    object_name: str = ""


class _Frame(msgspec.Struct, rename="kebab"):
    frame: str
    annotations: list[_Annotation]
    frame_no: msgspec.Raw = msgspec.Raw(b"null")


class _Sequence(msgspec.Struct, rename="kebab"):
    detection_annotations: list[_Frame] | None = None
    tracking_annotations: list[_Frame] | None = None


def read_sequence(
    data: bytes, folder: str, width: int, height: int, class_map: Mapping[str, str] | None = None
) -> Iterator[Line]:
    """The frames of one video, read and checked like lines of a manifest: one record for each sound frame.

    Arguments and errors are those of `frame_lines`; line numbers count the frames from 1.
    """
    return ManifestReader(CANONICAL).read(frame_lines(data, folder, width, height, class_map))


def frame_lines(
    data: bytes, folder: str, width: int, height: int, class_map: Mapping[str, str] | None = None
) -> Iterator[bytes]:
    """One manifest line for each frame of a SeqLabel.json, with the label attribute `bounding-box`.

    Args:
        data: the file.
        folder: S3 URI of the folder that holds the frames.
        width, height: of every frame, pixels; the file itself does not say.
        class_map: id as text to name, from the metadata beside the file's URI in the output manifest. Without it the
            names come from the objects', as tracking jobs give them (`Vehicle:1` is a Vehicle).

    Raises:
        UserError: the file is no SeqLabel.json, a class has no name, or the folder is no S3 URI.
    """
    if not folder.startswith("s3://") or folder == "s3://":
        raise UserError(f"the folder of the frames is {folder!r}: give its S3 URI, s3://bucket/folder/")
    try:
        sequence = msgspec.json.decode(data, type=_Sequence)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"not the SeqLabel.json of a video job: {error}") from None
    frames = sequence.tracking_annotations if sequence.detection_annotations is None else sequence.detection_annotations
    if frames is None:
        raise UserError(
            "not the SeqLabel.json of a video job: it holds no detection-annotations, no tracking-annotations"
        )
    names = _names(frames) if class_map is None else dict(class_map)
    return (_line(frame, folder.rstrip("/"), width, height, names) for frame in frames)


def _names(frames: list[_Frame]) -> dict[str, str]:
    names: dict[str, str] = {}
    for frame in frames:
        for item in frame.annotations:
            name = item.object_name.rpartition(":")[0]
            if not name:
                raise UserError(f"class {item.class_id} of frame {frame.frame} has no name: {_GIVE_MAP}")
            known = names.setdefault(str(item.class_id), name)
            if known != name:
                raise UserError(
                    f"class {item.class_id} is called {known!r} and, in frame {frame.frame}, {name!r}: {_GIVE_MAP}"
                )
    return names


def _line(frame: _Frame, folder: str, width: int, height: int, names: Mapping[str, str]) -> bytes:
    boxes = [
        {
            "class_id": int(item.class_id) if str(item.class_id).isdecimal() else item.class_id,
            "left": item.left,
            "top": item.top,
            "width": item.width,
            "height": item.height,
        }
        for item in frame.annotations
    ]
    return msgspec.json.encode(
        {
            "source-ref": f"{folder}/{frame.frame}",
            "frame-no": frame.frame_no,
            CANONICAL: {"image_size": [{"width": width, "height": height, "depth": 3}], "annotations": boxes},
            # Video jobs give no confidences; 0 is what Ground Truth writes for a single worker.
            CANONICAL + METADATA: {
                "objects": [{"confidence": 0}] * len(boxes),
                "class-map": names,
                "type": DETECTION_TYPE,
                "human-annotated": "yes",
            },
        }
    )
