"""Recognition of formats. Each function returns the reason against its format, or "" when it fits."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path

from groundloop.errors import UserError
from groundloop.labels.attributes import label_types_in
from groundloop.labels.formats.a2i.output_file import KEYS, OUTPUT
from groundloop.labels.formats.coco.reader import coco_files
from groundloop.labels.formats.csv.reader import missing_columns
from groundloop.labels.formats.disk import keys_of, read_bytes
from groundloop.labels.formats.format_name import FormatName
from groundloop.labels.formats.jumpstart.reader import ANNOTATIONS
from groundloop.labels.formats.voc.reader import annotations_folder
from groundloop.labels.formats.yolo.class_names import FILES, names_file
from groundloop.labels.label_types import DETECTION_TYPE, is_video
from groundloop.labels.manifest import open_manifest, raw_lines
from groundloop.labels.video import KEYS as KEYS_OF_SEQUENCES

_FOLDER = "it is a folder"
_FILE = "it is a file, not a folder"
_START = 100_000
_LOOKED_AT = 1000
_YAML = (".yaml", ".yml")


def why_not_manifest(path: Path) -> str:
    """Check for a manifest of images: its first line that is not blank decides."""
    if path.is_dir():
        return f"{_FOLDER}; give the manifest in it"
    try:
        line = _first_line(path)
    except UserError as error:
        return str(error)
    if "source-ref" not in keys_of(line):
        return "its first line is not a JSON object with a source-ref"
    types = [label_type for _, label_type in label_types_in(line)]
    return "its labels are a video's" if any(map(is_video, types)) and DETECTION_TYPE not in types else ""


def why_not_video(path: Path) -> str:
    """Check for a SeqLabel.json, or a manifest with labels of a video on its first line."""
    if path.is_dir():
        return _FOLDER
    try:
        if keys_of(read_bytes(path)) & KEYS_OF_SEQUENCES:
            return ""
        types = [label_type for _, label_type in label_types_in(_first_line(path))]
    except UserError as error:
        return str(error)
    return "" if any(map(is_video, types)) else "no SeqLabel.json, nor a manifest of a video job"


def why_not_coco(path: Path) -> str:
    """Check for COCO: the keys of the JSON object decide."""
    try:
        (file, *_), _ = coco_files(path)
        keys = keys_of(read_bytes(file))
    except UserError as error:
        return str(error)
    missing = [key for key in ("images", "annotations", "categories") if key not in keys]
    return f"no JSON object with {', '.join(missing)}" if missing else ""


def why_not_jumpstart(path: Path) -> str:
    """Check for JumpStart: like COCO, without categories."""
    file = path / ANNOTATIONS if path.is_dir() else path
    if file.name != ANNOTATIONS or not file.is_file():
        return f"no {ANNOTATIONS}"
    try:
        keys = keys_of(read_bytes(file))
    except UserError as error:
        return str(error)
    if "categories" in keys:
        return f"{ANNOTATIONS} has categories, as COCO's do"
    return "" if {"images", "annotations"} <= keys else f"{ANNOTATIONS} holds no images and annotations"


def why_not_yolo(path: Path) -> str:
    """Check for YOLO: a list of classes and a folder of labels."""
    if not path.is_dir():
        return "" if path.suffix.lower() in _YAML else "it is neither a folder nor a data.yaml"
    file = names_file(path)
    if file is None:
        return f"holds none of {', '.join(FILES)}"
    if (path / "labels").is_dir() or any(path.glob("*/labels")):
        return ""
    beside = file.suffix == ".txt" and any(other.name != file.name for other in path.glob("*.txt"))
    return "" if beside else "holds no folder labels/"


def why_not_voc(path: Path) -> str:
    """Check for Pascal VOC: XML files whose root is `annotation`."""
    if not path.is_dir():
        return _FILE
    first = next(iter(annotations_folder(path).rglob("*.xml")), None)
    if first is None:
        return "holds no XML file"
    return "" if b"<annotation" in read_bytes(first)[:_START] else f"{first.name} has no element annotation"


def why_not_csv(path: Path) -> str:
    """Check for CSV: the columns of the header decide."""
    if path.is_dir():
        return _FOLDER
    try:
        with path.open("rb") as stream:
            start = stream.readline(_START).decode("utf-8-sig")
        header = next(csv.reader([start]), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        header = []
    missing = missing_columns(header)
    return f"its first line lacks the columns {', '.join(missing)}" if missing else ""


def _first_line(path: Path) -> bytes:
    """Return the first line that is not blank."""
    with open_manifest(path) as stream:
        return next((line for line in raw_lines(stream) if line.strip()), b"")


def why_not_a2i(path: Path) -> str:
    """Check for A2I: the keys of one output file decide."""
    file = path
    if path.is_dir():
        first = next(iter(path.rglob(OUTPUT)), None)
        if first is None:
            return f"holds no {OUTPUT}"
        file = first
    try:
        missing = KEYS - keys_of(read_bytes(file))
    except UserError as error:
        return str(error)
    return f"{file.name} is not a JSON object with {', '.join(sorted(missing))}" if missing else ""


#: The format that the suffix of an unrecognised file stands for.
_BY_SUFFIX = {
    ".manifest": FormatName.GROUNDTRUTH,
    ".json": FormatName.COCO,
    ".csv": FormatName.CSV,
    ".tsv": FormatName.CSV,
    ".txt": FormatName.YOLO,
    ".xml": FormatName.VOC,
}


def nearest(path: Path) -> FormatName:
    """Return the format that a file or folder in no format comes closest to, by the names of files."""
    if not path.is_dir():
        return _BY_SUFFIX.get(path.suffix.lower(), FormatName.GROUNDTRUTH)
    found = {file.suffix.lower() for file in islice(path.rglob("*"), _LOOKED_AT)}
    return next((name for suffix, name in _BY_SUFFIX.items() if suffix in found), FormatName.YOLO)
