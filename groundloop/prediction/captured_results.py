"""Captured requests as images and results: each image once, under its SHA-256, with the newest response to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec

from groundloop.detections.captures.requests import CapturedRequest
from groundloop.detections.predictions import Detections
from groundloop.errors import UserError
from groundloop.images.size import Size, encoded_size
from groundloop.prediction.journal import ImageResult

IMAGES_FOLDER = "images"
RESULTS_FILE = "predictions.jsonl"


class CapturedResult(ImageResult, frozen=True, kw_only=True, omit_defaults=True):
    """The newest captured response to an image: a result as `groundloop predict` writes it, and where it is from.

    Attributes:
        time: when the request came.
        event_id: SageMaker's name of the request.
        inference_id: the caller's.
        endpoint, variant: that answered.
    """

    time: datetime
    event_id: str
    inference_id: str | None = None
    endpoint: str | None = None
    variant: str | None = None


@dataclass(frozen=True)
class CapturedModel:
    """The model that answered captured requests.

    Attributes:
        name: ARN of its package, or its file.
        classes: its class list, in id order.
        thresholds: minimum score by class.
    """

    name: str
    classes: tuple[str, ...]
    thresholds: dict[str, float]


@dataclass
class Extraction:
    """The images and results of captured requests in a folder.

    Attributes:
        folder: `images/` and `predictions.jsonl` are its content.
        models: by variant, the model that answered: "" for requests whose variant is not known, None for all others.
        requests: how many were read.
        images: names of the images that the requests have.
        new_images: how many of them were not in the folder yet.
        unanswered: requests whose response was not captured.
        unusable: requests that can't be used, by reason: how many, and the first of them.
    """

    folder: Path
    models: Mapping[str | None, CapturedModel]
    requests: int = 0
    images: set[str] = field(default_factory=set)
    new_images: int = 0
    unanswered: int = 0
    unusable: dict[str, tuple[int, str]] = field(default_factory=dict)
    _results: dict[str, CapturedResult] = field(default_factory=dict)

    @property
    def results(self) -> list[CapturedResult]:
        """The newest result of each image, in the order of their times."""
        return sorted(self._results.values(), key=lambda result: (result.time, result.image))

    def open(self) -> None:
        """Make the folder, and read the results that an earlier extraction left in it.

        Raises:
            UserError: the folder can't be made, or holds results of something else.
        """
        path = self.folder / RESULTS_FILE
        try:
            (self.folder / IMAGES_FOLDER).mkdir(parents=True, exist_ok=True)
            lines = path.read_bytes().splitlines() if path.exists() else []
        except OSError as error:
            raise UserError(f"{self.folder}: can't be written: {error.strerror}") from None
        known = {(model.name, tuple(model.thresholds.items())) for model in self.models.values()}
        for number, line in enumerate(lines, start=1):
            try:
                result = msgspec.json.decode(line, type=CapturedResult)
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise UserError(
                    f"{path}, line {number}: groundloop captures extract did not write this file: choose another folder"
                ) from None
            if (result.model, tuple(result.thresholds.items())) not in known:
                raise UserError(
                    f"{path} has results of another model or of other thresholds ({result.model}): choose another "
                    "folder, or remove it"
                )
            self._results[result.image] = result

    def add(self, requests: Iterable[CapturedRequest]) -> None:
        """Write the images of requests, and keep their newest results.

        Raises:
            UserError: an image can't be written, or another file has its name.
        """
        for request in requests:
            self.requests += 1
            try:
                size = encoded_size(request.image)
            except UserError as error:
                self._reject("the image can't be read", f"{request.place}: {error}")
                continue
            name = request.content_name
            self._write_image(name, request.image)
            self._add_result(name, request, size)

    def write_results(self) -> Path:
        """Write all results, whole or not at all; return the file."""
        target = self.folder / RESULTS_FILE
        partial = target.with_name(f".{target.name}.partial")
        partial.write_bytes(b"".join(msgspec.json.encode(result) + b"\n" for result in self.results))
        return partial.replace(target)

    def _write_image(self, name: str, content: bytes) -> None:
        self.images.add(name)
        target = self.folder / IMAGES_FOLDER / name
        try:
            if target.exists():
                if target.read_bytes() != content:
                    raise UserError(f"{target} exists and is not the image of that name: remove it")
                return
            partial = target.with_name(f".{name}.partial")
            partial.write_bytes(content)
            partial.replace(target)
        except OSError as error:
            raise UserError(f"{target}: can't be written: {error.strerror}") from None
        self.new_images += 1

    def _add_result(self, name: str, request: CapturedRequest, size: Size) -> None:
        variant = request.source.variant if request.source else ""
        model = self.models.get(variant) or self.models.get(None)
        if model is None:
            named = f"variant {variant!r}" if variant else "a variant that is not named"
            self._reject(f"they were answered by {named}, whose model is not known", request.file)
            return
        earlier = self._results.get(name)
        if earlier is not None and earlier.time > request.time:
            return
        try:
            found = request.detections(model.classes)
        except UserError as error:
            self._reject("the response is not one of this model", str(error))
            return
        if found is None:
            self.unanswered += 1
            return
        self._results[name] = _result(name, request, size, found, model)

    def _reject(self, reason: str, message: str) -> None:
        number, first = self.unusable.get(reason, (0, message))
        self.unusable[reason] = (number + 1, first)


def _result(name: str, request: CapturedRequest, size: Size, found: Detections, model: CapturedModel) -> CapturedResult:
    width, height = size.stored
    shown = found.sized(width, height).filter(model.thresholds)
    plain = ImageResult.of(name, shown, model.name, model.thresholds, size.orientation)
    endpoint, variant = request.source or (None, None)
    return CapturedResult(
        **{member: getattr(plain, member) for member in plain.__struct_fields__},
        time=request.time,
        event_id=request.event_id,
        inference_id=request.inference_id,
        endpoint=endpoint,
        variant=variant or None,
    )
