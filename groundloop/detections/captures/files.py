"""The captured requests at a place in S3 or in a folder on disk, whatever wrote them.

Read are the files of an endpoint's data capture and of `groundloop predict --capture`, notifications of an asynchronous
endpoint (both in `.jsonl` files), and the `.out` files of Batch Transform with the images that belong to them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from datetime import datetime, timedelta

from groundloop.detections.captures.pairs import MANIFEST_FILE, OutputPairs, of_manifest_file, of_names
from groundloop.detections.captures.records import Place, request_of_line, request_of_output
from groundloop.detections.captures.requests import CapturedRequest, CaptureFiles, CaptureFinding
from groundloop.detections.captures.storage import Storage, StoredFile, storage
from groundloop.detections.transform_output import SUFFIX as OUTPUT_SUFFIX
from groundloop.images.access import SUFFIXES as IMAGE_SUFFIXES
from groundloop.spec.data_capture import SUFFIX, hour_of

_HOUR = timedelta(hours=1)


def capture_files(
    place: str,
    region: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    images: str | None = None,
) -> CaptureFiles:
    """Return the captured requests at a place.

    Args:
        place: S3 URI, such as the endpoint's folder below `DestinationS3Uri` or the folder of a transform job, or a
            folder on disk.
        region: AWS region of an S3 URI; None takes that of the environment.
        since, until: only files whose folders name an hour in between, and outputs that were written in between.
        images: folder or S3 prefix with the images of `.out` files; None takes those that the job's ManifestFile
            names, or the images at the place itself.

    Raises:
        UserError: there is no such folder.
    """
    return _CaptureFiles(place, storage(place, region), since, until, images, region)


class _CaptureFiles:
    def __init__(
        self,
        place: str,
        stored: Storage,
        since: datetime | None,
        until: datetime | None,
        images: str | None,
        region: str | None,
    ) -> None:
        self._place, self._storage, self._region = place, stored, region
        self._since, self._until, self._images = since, until, images
        self._modified: dict[str, datetime] = {}
        self._pairs: list[tuple[str, OutputPairs]] = []

    def names(self) -> list[str]:
        """Return the files with records and the outputs, sorted."""
        files = self._storage.files(self._since)
        self._modified = {file.name: file.modified for file in files if file.name.endswith(OUTPUT_SUFFIX)}
        if self._modified:
            self._pairs = self._find_pairs(files)
        outputs = [name for name, time in self._modified.items() if self._is_within(time, timedelta())]
        records = [file.name for file in files if file.name.endswith(SUFFIX) and self._is_in_hours(file.name)]
        return sorted([*records, *outputs])

    def read(self, name: str) -> Iterator[CapturedRequest | CaptureFinding]:
        """Yield what a file holds."""
        if name.endswith(OUTPUT_SUFFIX):
            if name not in self._modified:
                self.names()
            yield request_of_output(name, self._image_of(name), self._modified[name], self._storage.read)
            return
        for number, line in enumerate(self._storage.lines(name), start=1):
            if line is None or line.strip():
                yield request_of_line(line, Place(name, number), self._storage.read)

    def _image_of(self, output: str) -> str | None:
        """Return the image of an output: the job's own ManifestFile decides before images elsewhere."""
        inside = (pairs for folder, pairs in self._pairs if output.startswith(folder))
        return next((image for pairs in inside if (image := pairs.image_of(output)) is not None), None)

    def _find_pairs(self, files: list[StoredFile]) -> list[tuple[str, OutputPairs]]:
        """Return, by the folder of a job, what pairs its outputs with images; the innermost first."""
        found = []
        for file in files:
            if posixpath.basename(file.name) == MANIFEST_FILE:
                named = of_manifest_file(self._storage.read(file.name))
                if named is not None:
                    found.append((posixpath.dirname(posixpath.dirname(file.name)) + "/", OutputPairs(named)))
        found.sort(key=lambda one: -len(one[0]))
        folder = self._images or self._place
        others = storage(folder, self._region).files() if self._images else files
        images = [one.name for one in others if posixpath.splitext(one.name)[1].lower() in IMAGE_SUFFIXES]
        return [*found, ("", OutputPairs(of_names(images, folder)))]

    def _is_in_hours(self, name: str) -> bool:
        """Return whether the hour of a file's folders lies between the two times; files elsewhere always do."""
        hour = hour_of(name)
        return hour is None or self._is_within(hour, _HOUR)

    def _is_within(self, time: datetime, length: timedelta) -> bool:
        since, until = self._since, self._until
        return (since is None or time + length > since) and (until is None or time <= until)
