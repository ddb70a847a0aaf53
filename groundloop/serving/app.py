"""The routes: those of SageMaker's containers, counts, and the page.

The protocol: Amazon SageMaker developer guide, "Use your own inference code with hosting services", and for the
answers "Object detection request and response formats".
"""

from __future__ import annotations

import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from groundloop.detections.predictions import Detections
from groundloop.errors import UserError
from groundloop.images.palette import class_colors
from groundloop.portable.onnx_detector import OnnxDetector, check_image
from groundloop.serving.guard import AllowedHosts, Guard
from groundloop.web_app import RequestError, error_handlers, json_response

#: The threshold of classes for which the file has none.
DEFAULT_THRESHOLD = 0.5
PAGE = Path(__file__).with_name("page")
_MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_IMAGE_TYPES = "image/jpeg, image/png, another image/* or application/x-image"
#: The endpoint rounds so, too.
_DECIMALS = 6


class ModelServer:
    """The routes over one detector.

    Args:
        detector: the model.
        name: what the page calls it.
        decoders: images that are decoded at a time; the network sees one at a time.
    """

    def __init__(self, detector: OnnxDetector, name: str, decoders: int) -> None:
        self._detector = detector
        self._name = name
        info = detector.info
        self.thresholds = {label: info.thresholds.get(label, DEFAULT_THRESHOLD) for label in info.classes}
        self._lock = threading.Lock()
        self._limiter = anyio.CapacityLimiter(max(1, decoders))
        self._files = {file.name: file.read_bytes() for file in PAGE.iterdir() if file.suffix in _MEDIA_TYPES}

    def app(self, hosts: AllowedHosts) -> Starlette:
        """Return the ASGI application."""
        routes = [
            Route("/", self.page),
            Route("/page/{name}", self.page),
            Route("/ping", self.ping),
            Route("/model", self.describe),
            Route("/invocations", self.invoke, methods=["POST"]),
            Route("/count", self.count, methods=["POST"]),
        ]
        return Starlette(routes=routes, middleware=[Middleware(Guard, hosts=hosts)], exception_handlers=_HANDLERS)

    async def page(self, request: Request) -> Response:
        """Send a file of the page."""
        name = request.path_params.get("name", "index.html")
        if name not in self._files:
            raise HTTPException(404)
        return Response(self._files[name], media_type=_MEDIA_TYPES[Path(name).suffix])

    async def ping(self, request: Request) -> Response:
        """Say that the model is loaded."""
        return Response(b"", media_type="application/json")

    async def describe(self, request: Request) -> Response:
        """Describe the model."""
        info = self._detector.info
        colors = [class_colors(class_id) for class_id in range(len(info.classes))]
        return json_response(
            {
                "name": self._name,
                "classes": [
                    {"name": label, "threshold": self.thresholds[label], "light": color.light, "dark": color.dark}
                    for label, color in zip(info.classes, colors, strict=True)
                ],
                "thresholds_known": bool(info.thresholds),
                "model_package": info.model_package,
                "quantization": info.quantization,
                "artifact_sha256": info.artifact_sha256,
                "side": info.side,
            }
        )

    async def invoke(self, request: Request) -> Response:
        """Detect the objects on the image in the body."""
        detections, size = await self._detected(request)
        accept = request.headers.get("accept", "").replace(" ", "").lower()
        if "annotation=1" in accept.split(";"):
            return json_response(_annotation(detections, *size))
        rows = zip(detections.class_id.tolist(), detections.confidence.tolist(), detections.xyxyn.tolist(), strict=True)
        return json_response(
            {
                "prediction": [
                    [float(class_id), *(round(value, _DECIMALS) for value in (score, *box))]
                    for class_id, score, box in rows
                ]
            }
        )

    async def count(self, request: Request) -> Response:
        """Count the objects on the image in the body, by class, at the operating thresholds or a given one.

        The errors to expect were measured at the operating thresholds, so they are null at others.
        """
        given = _given_threshold(request, self._detector.classes)
        thresholds = self.thresholds | given
        detections, _ = await self._detected(request)
        counts = detections.filter(thresholds).count()
        error = self._detector.info.count_error
        return json_response(
            {
                "counts": counts,
                "total": sum(counts.values()),
                "thresholds": thresholds,
                "count_error": asdict(error) if error is not None and not given else None,
            }
        )

    async def _detected(self, request: Request) -> tuple[Detections, tuple[int, int]]:
        kind = request.headers.get("content-type", "none").partition(";")[0].strip().lower()
        if kind != "application/x-image" and not kind.startswith("image/"):
            raise RequestError(415, f"content type {kind}: {_IMAGE_TYPES} is needed")
        body = await request.body()
        return await anyio.to_thread.run_sync(self._detect, body, limiter=self._limiter)

    def _detect(self, image: bytes) -> tuple[Detections, tuple[int, int]]:
        size = check_image(image)
        pixels = self._detector.pixels(image)
        # onnxruntime uses all of its threads for one image: two at a time would only be slower.
        with self._lock:
            return self._detector.detections(pixels), size


def _given_threshold(request: Request, classes: tuple[str, ...]) -> dict[str, float]:
    text = request.query_params.get("threshold")
    if text is None:
        return {}
    try:
        threshold = float(text)
    except ValueError:
        threshold = -1
    if not 0 <= threshold <= 1:
        raise RequestError(400, f"threshold={text!r}: a number from 0 to 1 is needed")
    return dict.fromkeys(classes, threshold)


def _annotation(detections: Detections, width: int, height: int) -> dict[str, Any]:
    """Return the answer to `Accept: application/json;annotation=1`: boxes in pixels, shaped like a label."""
    corners = detections.pixels(width, height)
    annotations = [
        {
            "class_id": class_id,
            "score": round(score, _DECIMALS),
            "left": int(xmin),
            "top": int(ymin),
            "width": int(xmax - xmin),
            "height": int(ymax - ymin),
        }
        for class_id, score, (xmin, ymin, xmax, ymax) in zip(
            detections.class_id.tolist(), detections.confidence.tolist(), corners.tolist(), strict=True
        )
    ]
    return {"image_size": [{"width": width, "height": height, "depth": 3}], "annotations": annotations}


_HANDLERS = error_handlers(
    failed="the server failed on this image: try another one, or export the model again",
    not_found="there are GET /, /ping, /model, and POST /invocations, /count",
    statuses={UserError: 400},
)
