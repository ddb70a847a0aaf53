"""Decoding and non-maximum suppression inside of the graph, for devices that run nothing but ONNX.

ONNX's `NonMaxSuppression` keeps a box whose IoU with a better one equals the threshold, and a score must exceed its
threshold; MXNet suppresses and keeps at equality. Otherwise the rows are those that are decoded outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from groundloop.local.detector.decoding import MAX_DETECTIONS, MAX_LOG_SIDE, SCORE_FLOOR
from groundloop.portable.model_info import ROWS
from groundloop.portable.multibox import MultiBoxDecoder
from groundloop.portable.onnx_graph import OnnxGraph, Tensor


@dataclass(frozen=True)
class Candidates:
    """Detections before suppression, best first: boxes (k, 4), scores (k,) and class ids (k,) as 64-bit integers."""

    boxes: Tensor
    scores: Tensor
    class_ids: Tensor

    @property
    def count(self) -> int:
        """How many there are, however low their scores."""
        return self.boxes.shape[0]


def multibox_rows(
    graph: OnnxGraph, probabilities: Tensor, offsets: Tensor, anchors: Tensor, decoder: MultiBoxDecoder
) -> Tensor:
    """Add the decoding of `MultiBoxDetection`; return the rows (n, 6), best first."""
    build = _Builder(graph, "multibox")
    classes, count = probabilities.shape[1] - 1, probabilities.shape[2]
    keep = count if decoder.nms_topk <= 0 else min(count, decoder.nms_topk)
    foreground = build("Slice", [probabilities, build.integers(1), build.integers(classes + 1), build.integers(1)])
    best = build("Reshape", [build("ReduceMax", [foreground], axes=[1], keepdims=0), build.integers(count)])
    ids = build("Reshape", [build("ArgMax", [foreground], axis=1, keepdims=0), build.integers(count)])
    scores, places = build.largest(best, keep)
    offset = build("Gather", [build("Reshape", [offsets, build.integers(count, 4)]), places])
    anchor = build("Gather", [build("Reshape", [anchors, build.integers(count, 4)]), places])
    low, high = build.halves(anchor)
    size = build("Sub", [high, low])
    centre = build("Mul", [build("Add", [low, high]), build.floats(0.5)])
    moved, scaled = build.halves(build("Mul", [offset, build.floats(*decoder.variances)]))
    centre = build("Add", [build("Mul", [moved, size]), centre])
    half = build("Mul", [build("Mul", [build("Exp", [scaled]), size]), build.floats(0.5)])
    boxes = build.corners(centre, half, keep, clip=decoder.clip)
    candidates = Candidates(boxes, scores, build("Gather", [ids, places]))
    if not 0 < decoder.nms_threshold <= 1:
        return build.rows(candidates)
    return build.suppressed(
        candidates, 1 if decoder.class_agnostic else classes, decoder.nms_threshold, decoder.threshold
    )


def heat_map_rows(graph: OnnxGraph, maps: Tensor, classes: int, nms_threshold: float) -> Tensor:
    """Add the decoding of the offline stand-in; return the rows (n, 6), best first.

    Args:
        graph: the graph.
        maps: (1, classes + 4, height, width), logits of the classes and box values.
        classes: how many classes there are.
        nms_threshold: IoU above which the detection with the lower score is suppressed.
    """
    build = _Builder(graph, "heat_map")
    height, width = maps.shape[2:]
    cells = height * width
    keep = min(MAX_DETECTIONS, classes * cells)
    axis = build.integers(1)
    heat = build("Sigmoid", [build("Slice", [maps, build.integers(0), build.integers(classes), axis])])
    highest = build("MaxPool", [heat], kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1])
    peaks = build("Where", [build("Equal", [heat, highest]), heat, build.floats(0)])
    # Cells first, then classes: the order in which the stand-in looks at equal scores.
    flat = build("Reshape", [build("Transpose", [peaks], perm=[0, 2, 3, 1]), build.integers(cells * classes)])
    scores, places = build.largest(flat, keep)
    cell = build("Div", [places, build.integers(classes)])
    values = build("Slice", [maps, build.integers(classes), build.integers(classes + 4), axis])
    values = build("Transpose", [build("Reshape", [values, build.integers(4, cells)])], perm=[1, 0])
    moved, log_sides = build.halves(build("Gather", [values, cell]))
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).reshape(-1, 2) + 0.5
    middles = graph.constant(build.name("middles"), grid.astype(np.float32))
    sides = build.floats(width, height)
    centre = build("Div", [build("Add", [build("Gather", [middles, cell]), moved]), sides])
    sides = build.floats(2 * width, 2 * height)
    half = build("Div", [build("Exp", [build("Min", [log_sides, build.floats(MAX_LOG_SIDE)])]), sides])
    boxes = build.corners(centre, half, keep, clip=True)
    class_ids = build("Mod", [places, build.integers(classes)])
    return build.suppressed(Candidates(boxes, scores, class_ids), classes, nms_threshold, SCORE_FLOOR)


class _Builder:
    """Adds nodes that are named by their number."""

    def __init__(self, graph: OnnxGraph, prefix: str) -> None:
        self._graph, self._prefix, self._count = graph, prefix, 0

    def __call__(self, operator: str, inputs: Sequence[Tensor], **attributes: Any) -> Tensor:
        return self._graph.add(operator, inputs, self.name(operator), **attributes)

    def name(self, kind: str) -> str:
        self._count += 1
        return f"{self._prefix}_{self._count}_{kind.lower()}"

    def floats(self, *values: float) -> Tensor:
        return self._graph.constant(self.name("floats"), np.array(values, dtype=np.float32))

    def integers(self, *values: int) -> Tensor:
        return self._graph.constant(self.name("integers"), np.array(values, dtype=np.int64))

    def largest(self, values: Tensor, count: int | Tensor) -> tuple[Tensor, Tensor]:
        """Return the largest values and their places, largest first."""
        wanted = self.integers(count) if isinstance(count, int) else count
        return self._graph.add_two("TopK", [values, wanted], self.name("topk"), axis=0)

    def halves(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return the first two and the last two columns of an (n, 4) tensor."""
        axis = self.integers(1)
        first = self("Slice", [values, self.integers(0), self.integers(2), axis])
        return first, self("Slice", [values, self.integers(2), self.integers(4), axis])

    def corners(self, centre: Tensor, half: Tensor, count: int, *, clip: bool) -> Tensor:
        boxes = self("Concat", [self("Sub", [centre, half]), self("Add", [centre, half])], axis=1)
        if clip:
            scalars = [self._graph.constant(self.name("bound"), np.array(side, dtype=np.float32)) for side in (0, 1)]
            boxes = self("Clip", [boxes, *scalars])
        return Tensor(boxes.name, (count, 4))

    def suppressed(self, found: Candidates, classes: int, iou: float, floor: float) -> Tensor:
        """Suppress within each class, or among all boxes if `classes` is 1; return the rows that are left."""
        count = found.count
        scores = self("Reshape", [found.scores, self.integers(1, 1, count)])
        if classes > 1:
            columns = self("OneHot", [found.class_ids, self.integers(classes), self.floats(0, 1)], axis=0)
            scores = self("Mul", [self("Reshape", [columns, self.integers(1, classes, count)]), scores])
        boxes = self("Reshape", [found.boxes, self.integers(1, count, 4)])
        limits = [self.integers(count), self.floats(iou), self.floats(floor)]
        selected = self("NonMaxSuppression", [boxes, scores, *limits])
        places = self("Gather", [selected, self._graph.constant(self.name("column"), np.array(2))], axis=1)
        kept_scores = self("Gather", [found.scores, places])
        _, order = self.largest(kept_scores, self("Shape", [places]))
        places = self("Gather", [places, order])
        kept = (self("Gather", [part, places]) for part in (found.boxes, found.scores, found.class_ids))
        return self.rows(Candidates(*kept))

    def rows(self, found: Candidates) -> Tensor:
        column = self.integers(-1, 1)
        ids = self("Cast", [found.class_ids], to=1)
        parts = [self("Reshape", [ids, column]), self("Reshape", [found.scores, column]), found.boxes]
        return self._graph.add("Concat", parts, ROWS, (-1, 6), axis=1)
