"""The queue of images for review: which are new, how many there is room for, and the files that are written."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from groundloop.aws import MAX_CONNECTIONS
from groundloop.detections.calibration import Calibration, IsotonicCurve
from groundloop.detections.captures.requests import CaptureFiles
from groundloop.detections.table import NAME as TABLE
from groundloop.detections.table import parse_outcomes
from groundloop.errors import UserError
from groundloop.labels.manifest import source_ref_of
from groundloop.models.packages import Package
from groundloop.review.mixed_selection import Mix, choose
from groundloop.review.queue import Model
from groundloop.review.queue_manifest import images_of, lines_of, queue_line
from groundloop.s3 import join_uri, object_exists, read_bytes, read_json, split_uri
from steps.jobs import say
from steps.monitor.window import MonitoredWindow

#: Name of the file with a window's result.
DRIFT_FILE = "drift.json"
#: Name of a window's folder below the endpoint's.
TIME_FOLDER = "%Y-%m-%dT%H-%M-%SZ"
#: A page of a listing takes about as long as asking for so many objects, which is done in parallel.
_NAMES_OF_A_PAGE = 50
_CONTENT_NAME = re.compile(r"(?:^|/)([0-9a-f]{64}\.(?:jpg|png))$")
_QUEUE = re.compile(r"/review[^/]*\.manifest$")


@dataclass(frozen=True)
class Queued:
    """The queue of one variant.

    Attributes:
        uri: S3 URI of its manifest, once the job has ended.
        images: how many it has.
        selected_by: how many of them were chosen by what.
    """

    uri: str
    images: int
    selected_by: dict[str, int]


@dataclass(frozen=True)
class EarlierQueues:
    """What other runs have queued.

    Attributes:
        own: images that this very run has queued when it was executed before: it queues them again, and no others.
        with_drift, without_drift: how many images other runs of the window have queued, by whether they found drift.
    """

    own: frozenset[str]
    with_drift: int
    without_drift: int

    def room(self, images: int, *, drift: bool) -> int:
        """Return how many images this run may queue.

        When drift is found there is room for a whole queue of what has changed, whatever was queued before it.

        Args:
            images: how many a window may have.
            drift: whether this run has found drift.
        """
        return max(0, images - self.with_drift - (0 if drift else self.without_drift))


@dataclass(frozen=True)
class DataSet:
    """The images of a version.

    Attributes:
        names: of those with a name made from their content, as captured ones have: other names say nothing of it.
        test_bucket: where its test images lie; None where that isn't known.
    """

    names: frozenset[str]
    test_bucket: str | None

    def takes_for_test(self, uri: str) -> bool:
        """Return whether an image may get into the test split too: Batch Transform reads the images of one bucket."""
        return self.test_bucket in (None, split_uri(uri)[0])


def divide_room(room: int, images: Sequence[int]) -> list[int]:
    """Divide the room of a queue among variants in proportion to their images; the parts sum up to it.

    Example:
        >>> divide_room(3, [40, 40]), divide_room(5, [0, 0])
        ([1, 2], [0, 0])
    """
    total = sum(images)
    ends = [room * part // total if total else 0 for part in accumulate(images)]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def earlier_queues(s3: Any, monitoring: str, since: datetime, until: datetime) -> EarlierQueues:
    """Read the queues of a window.

    Args:
        s3: a boto3 S3 client.
        monitoring: S3 prefix of the endpoint's windows.
        since, until: the window's ends.
    """
    bucket, prefix = split_uri(monitoring.rstrip("/") + "/")
    own: set[str] = set()
    others = {True: 0, False: 0}
    first = (since + timedelta(seconds=1)).strftime(TIME_FOLDER)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, StartAfter=f"{prefix}{first}")
    for page in pages:
        for item in page.get("Contents", ()):
            if not _QUEUE.search(item["Key"]):
                continue
            uri = join_uri(f"s3://{bucket}", item["Key"])
            images = images_of(read_bytes(s3, uri))
            if item["Key"].removeprefix(prefix).startswith(until.strftime(TIME_FOLDER)):
                own |= {name for name in map(_content_name, images) if name}
            else:
                others[read_json(s3, join_uri(uri.rpartition("/")[0], DRIFT_FILE))["alarms"] > 0] += len(images)
    return EarlierQueues(frozenset(own), with_drift=others[True], without_drift=others[False])


def new_images(
    s3: Any, names: Sequence[str], captured: str, earlier: EarlierQueues, training: frozenset[str]
) -> set[str]:
    """Return the images that were neither queued by another run nor trained on.

    Args:
        s3: a boto3 S3 client.
        names: of the images.
        captured: S3 prefix of the images that were queued.
        earlier: what was queued before.
        training: names of images in the served version's data set.
    """
    candidates = {name for name in names if name not in training}
    return candidates - _existing(s3, captured, sorted(candidates - earlier.own))


def _existing(s3: Any, folder: str, names: Sequence[str]) -> set[str]:
    """Return the names of which there are objects: a request lists a thousand, where that settles enough of them.

    Names are hashes, so each listed page settles as many of them as its share of the folder.

    Args:
        s3: a boto3 S3 client.
        folder: S3 prefix of the objects.
        names: to look for, sorted.
    """
    bucket, prefix = split_uri(f"{folder}/")
    found: set[str] = set()
    left = list(names)
    if len(left) >= _NAMES_OF_A_PAGE:
        before_first = f"{prefix}{left[0][:-1]}"
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, StartAfter=before_first):
            listed = [item["Key"].removeprefix(prefix) for item in page.get("Contents", ())]
            found |= set(listed).intersection(left)
            if not page["IsTruncated"]:
                return found
            settled = bisect_right(left, listed[-1])
            left = left[settled:]
            if settled < _NAMES_OF_A_PAGE or len(left) < _NAMES_OF_A_PAGE:
                break
    with ThreadPoolExecutor(MAX_CONNECTIONS) as pool:
        exist = pool.map(lambda name: object_exists(s3, bucket, f"{prefix}{name}"), left)
        return found | {name for name, there in zip(left, exist, strict=True) if there}


def data_set_of(s3: Any, package: Package, root: str) -> DataSet:
    """Read which images a version was trained, validated and tested on."""
    folder = join_uri(root, f"training-data/{package.summary.get('training_data', '')}")
    manifests = [join_uri(folder, "train.manifest"), join_uri(folder, "validation.manifest"), package.test_manifest_uri]
    names: set[str] = set()
    bucket = None
    for uri in manifests:
        place, key = split_uri(uri)
        if not object_exists(s3, place, key):
            continue
        for line in s3.get_object(Bucket=place, Key=key)["Body"].iter_lines():
            if not line.strip():
                continue
            source_ref = source_ref_of(line)
            bucket = split_uri(source_ref)[0] if uri == package.test_manifest_uri else bucket
            if name := _content_name(source_ref):
                names.add(name)
    return DataSet(frozenset(names), bucket)


def calibration_of(s3: Any, package: Package) -> Calibration:
    """Return how far a version's scores can be trusted.

    Scores count as they are, which the job says, if the version's evaluation can't tell.
    """
    try:
        rows = parse_outcomes(read_bytes(s3, f"{package.evaluation_uri.rpartition('/')[0]}/{TABLE}"))
        return Calibration.fit(rows)
    except UserError as error:
        say(f"scores count as they are: {error}")
        return Calibration(IsotonicCurve(*(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.ones(2))), {}, 0)


def write_queue(
    output: Path,
    captured: MonitoredWindow,
    files: CaptureFiles,
    names: Iterable[str],
    *,
    package: Package,
    calibration: Calibration,
    images: int,
    mix: Mix,
    train_only: bool,
    name: str,
    uri: str,
    until: datetime,
) -> Queued | None:
    """Choose images, write them and the queue's manifest; return None when there is none to choose.

    Args:
        output: the job's folder of outputs.
        captured: the window.
        files: of its requests.
        names: of the images that may be queued.
        package: the version that answered.
        calibration: of its scores.
        images: how many at most.
        mix: shares of the queue.
        train_only: keep also the images that are drawn at random to the train split.
        name: of the queue.
        uri: S3 URI that its manifest will have.
        until: end of the window.
    """
    candidates = [captured.captured[one] for one in sorted(names)]
    tasks = choose(candidates, calibration, package.thresholds, package.classes, images, mix, train_only=train_only)
    if not tasks:
        return None
    folder = output / "captured"
    folder.mkdir(parents=True, exist_ok=True)
    by_name = {str(_content_name(task.source_ref)): task for task in tasks}
    other: dict[str, dict[str, object]] = {}
    for content_name, request in captured.images(files, by_name):
        (folder / content_name).write_bytes(request.image)
        other[content_name] = {"captured": {"time": request.time.isoformat(), "event-id": request.event_id}}
    model = Model(package=package.arn, thresholds=package.thresholds)
    created = until.replace(tzinfo=None).isoformat(timespec="microseconds")
    lines = [
        queue_line(task, package.classes, model, queue=name, created=created, other=other[one])
        for one, task in by_name.items()
    ]
    path = output / "monitoring" / until.strftime(TIME_FOLDER) / uri.rpartition("/")[2]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lines_of(lines))
    return Queued(uri, len(tasks), dict(Counter(task.selected_by for task in tasks)))


def _content_name(source_ref: str) -> str | None:
    found = _CONTENT_NAME.search(source_ref)
    return found[1] if found else None
