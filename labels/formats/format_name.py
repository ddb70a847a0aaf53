"""The names of the formats, apart from their code so that a command can list them without loading it."""

from __future__ import annotations

from enum import Enum


class FormatName(str, Enum):
    """As on the command line."""

    GROUNDTRUTH = "groundtruth"
    COCO = "coco"
    YOLO = "yolo"
    VOC = "voc"
    CSV = "csv"
    JUMPSTART = "jumpstart"
    REKOGNITION = "rekognition"
