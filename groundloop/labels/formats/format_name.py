"""The names of the formats, apart from their code so that a command can list them without loading it."""

from __future__ import annotations

from enum import Enum


class FormatName(str, Enum):
    """The formats that can be read, as named on the command line."""

    GROUNDTRUTH = "groundtruth"
    COCO = "coco"
    YOLO = "yolo"
    VOC = "voc"
    CSV = "csv"
    JUMPSTART = "jumpstart"
    REKOGNITION = "rekognition"
    A2I = "a2i"
    VIDEO = "video"


class WrittenFormat(str, Enum):
    """The formats that can be written: those that labels of any origin fit into."""

    GROUNDTRUTH = "groundtruth"
    COCO = "coco"
    YOLO = "yolo"
    VOC = "voc"
    CSV = "csv"
    JUMPSTART = "jumpstart"
    REKOGNITION = "rekognition"
