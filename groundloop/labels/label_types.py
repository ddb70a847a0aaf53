"""The types of labels that Ground Truth makes, and the remedy for each that is not bounding boxes."""

from __future__ import annotations

import msgspec

DETECTION_TYPE = "groundtruth/object-detection"

_CLASSIFICATION = "groundtruth/image-classification"
_MULTILABEL = "groundtruth/image-classification-multilabel"
_SEGMENTATION = "groundtruth/semantic-segmentation"
_VIDEO = ("groundtruth/video-object-detection", "groundtruth/video-object-tracking", "groundtruth/video-")

_BOX_JOB = "have the images labelled by a bounding box job"
_REMEDIES = {
    _CLASSIFICATION: f"it says what an image shows but not where: {_BOX_JOB}",
    _MULTILABEL: f"it says what an image shows but not where: {_BOX_JOB}",
    _SEGMENTATION: f"its masks are pictures of their own: {_BOX_JOB}",
    "groundtruth/label-verification": "it verifies other labels: give the label attribute of those that were verified",
}


class _Shape(msgspec.Struct, rename="kebab"):
    """The metadata's keys that tell the type of a label."""

    type: str = ""
    class_name: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    confidence_map: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    internal_color_map: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_SHAPE = msgspec.json.Decoder(_Shape)


def label_type_of(metadata: bytes | msgspec.Raw) -> str:
    """Return the labelling type that the metadata names or, where it names none, shows by its own keys; else ""."""
    try:
        shape = _SHAPE.decode(metadata)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    if shape.type:
        return shape.type
    if shape.internal_color_map is not msgspec.UNSET:
        return _SEGMENTATION
    if shape.confidence_map is not msgspec.UNSET:
        return _MULTILABEL
    if shape.class_name is not msgspec.UNSET:
        return _CLASSIFICATION
    return ""


def is_video(label_type: str) -> bool:
    """Return whether labels of this type are of a video's frames, in a SeqLabel.json that the line names."""
    return label_type.startswith(_VIDEO)


def remedy(label_type: str) -> str:
    """Return what to do with labels that are not bounding boxes on images."""
    if is_video(label_type):
        return (
            "each line names a SeqLabel.json with the boxes of a video's frames: make a line for each frame with "
            "`groundloop labels convert MANIFEST NEW --to groundtruth --images FRAMES`, and give the new manifest"
        )
    return _REMEDIES.get(label_type, f"only bounding boxes ({DETECTION_TYPE}) can be used")
