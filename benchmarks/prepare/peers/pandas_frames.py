"""The job with pandas: `python -m benchmarks.prepare.peers.pandas_frames MANIFEST FOLDER`.

`read_json` stops at the first line that is not JSON, so the manifest must not have any. It says nothing of keys that
appear twice. Boxes are checked all together, as columns.
"""

from __future__ import annotations

import gc
import sys
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.prepare.peers.task import (
    ATTRIBUTE,
    DETECTION,
    METADATA,
    NEW_NAMES,
    SEED,
    SPLITS,
    compact,
    split_of,
    write_rejected,
)

LINES_AT_A_TIME = 20_000


def read(manifest: Path) -> pd.DataFrame:
    """Read one row a line, label and metadata as dicts, in chunks: all at once takes many times the memory."""
    frames = pd.read_json(manifest, lines=True, chunksize=LINES_AT_A_TIME, dtype=False, precise_float=True)
    return pd.concat(list(frames), ignore_index=True)


def check(frame: pd.DataFrame) -> pd.DataFrame:
    """Check the lines; return the boxes, one row each. Faults go into the frame's column `fault`."""
    frame["fault"] = ""
    unlabelled = frame[ATTRIBUTE].isna()
    failed = [
        isinstance(metadata, dict) and "failure-reason" in metadata for metadata in frame.loc[unlabelled, METADATA]
    ]
    frame.loc[unlabelled, "fault"] = np.where(failed, "failure_reason", "missing_label")
    frame.loc[~frame["source-ref"].str.startswith("s3://"), "fault"] = "source_ref"
    labelled = frame[frame["fault"] == ""]
    labels, metadata = labelled[ATTRIBUTE].tolist(), labelled[METADATA].tolist()
    annotations = [label["annotations"] for label in labels]
    counts = np.fromiter(map(len, annotations), int)
    sizes = [label["image_size"] for label in labels]
    per_line = pd.DataFrame(
        {
            "width": [size[0]["width"] if len(size) == 1 else 0 for size in sizes],
            "height": [size[0]["height"] if len(size) == 1 else 0 for size in sizes],
            "objects": [len(one["objects"]) for one in metadata],
            "type": [one["type"] for one in metadata],
            "map": [tuple(one["class-map"].items()) for one in metadata],
        },
        index=labelled.index,
    )
    boxes = pd.DataFrame.from_records(list(chain.from_iterable(annotations)), index=labelled.index.repeat(counts))
    own = per_line.loc[boxes.index, ["width", "height", "map"]]
    names = {pair: {int(key): name for key, name in pair} for pair in per_line["map"].unique()}
    boxes["name"] = ""
    for pair, known in names.items():
        same = (own["map"] == pair).to_numpy()
        boxes.loc[same, "name"] = boxes.loc[same, "class_id"].map(known)
    right, bottom = boxes["left"] + boxes["width"], boxes["top"] + boxes["height"]
    outside = (boxes["left"] < 0) | (boxes["top"] < 0) | (right > own["width"]) | (bottom > own["height"])
    for fault, wrong in (
        ("box_outside", outside),
        ("unknown_class", boxes["name"].isna()),
        ("zero_area", (boxes["width"] <= 0) | (boxes["height"] <= 0)),
    ):
        frame.loc[wrong.index[wrong].unique(), "fault"] = fault
    for fault, bad in (
        ("objects_mismatch", per_line["objects"] != counts),
        ("bad_image_size", (per_line["width"] < 1) | (per_line["height"] < 1)),
        ("type", per_line["type"] != DETECTION),
    ):
        frame.loc[bad.index[bad], "fault"] = fault
    return boxes


def prepare(manifest: Path, folder: Path) -> None:
    """Do the whole job."""
    frame = read(manifest)
    boxes = check(frame)
    valid = frame[frame["fault"] == ""]
    replaced = valid.index[valid.duplicated("source-ref", keep="last")]
    frame.loc[replaced, "fault"] = "duplicate"
    valid = valid.drop(replaced)
    rejected = frame[frame["fault"] != ""]
    kept = rejected[["source-ref", ATTRIBUTE, METADATA]].to_dict("records")
    write_rejected(
        folder,
        [
            (int(number) + 1, fault, row["source-ref"], compact({k: v for k, v in row.items() if v == v}))
            for number, fault, row in zip(rejected.index, rejected["fault"], kept, strict=True)
        ],
    )

    maps = [metadata["class-map"] for metadata in valid[METADATA]]
    classes = sorted(set(chain.from_iterable(map(dict.values, maps))))
    ids = {name: number for number, name in enumerate(classes)}
    class_map = {str(number): name for name, number in ids.items()}
    new_ids = boxes.loc[boxes.index.isin(valid.index), "name"].map(ids).astype(int).tolist()
    for box, new in zip(chain.from_iterable(label["annotations"] for label in valid[ATTRIBUTE]), new_ids, strict=True):
        box["class_id"] = new
    for metadata in valid[METADATA]:
        metadata["class-map"] = class_map
    valid = valid.drop(columns="fault").rename(columns=NEW_NAMES)
    split = valid["source-ref"].map(split_of)
    for name in SPLITS:
        part = valid[split == name]
        if name == "train":
            part = part.sample(frac=1, random_state=SEED)
        write(part, folder / f"{name}.manifest")


def write(part: pd.DataFrame, target: Path) -> None:
    """Write one split."""
    part.to_json(target, orient="records", lines=True, double_precision=15)


if __name__ == "__main__":
    gc.disable()
    prepare(Path(sys.argv[1]), Path(sys.argv[2]))
