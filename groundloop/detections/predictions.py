"""The detections of one image: filtered, counted, drawn, and in the formats of SageMaker, COCO and Ground Truth."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from groundloop.boxes import iou_matrix
from groundloop.detections.arrays import Floats, Ints
from groundloop.detections.response import parse_rows
from groundloop.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

    from groundloop.labels.records import Box

#: The score from which detections count: one for all classes, or each class's by name.
Threshold: TypeAlias = "float | Mapping[str, float]"


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """The detections of one image, in the detector's order.

    Attributes:
        classes: the class list; ids are positions in it.
        class_id: (n,) integers.
        confidence: (n,) scores in [0, 1].
        xyxyn: (n, 4) xmin, ymin, xmax, ymax as fractions of the image (normalized), clipped to [0, 1].
        image_size: width and height in pixels, where known; `xyxy` needs it.
        clipped: how many detections had a coordinate outside [0, 1].
    """

    classes: tuple[str, ...]
    class_id: Ints
    confidence: Floats
    xyxyn: Floats
    image_size: tuple[int, int] | None = None
    clipped: int = 0

    @classmethod
    def from_sagemaker(
        cls,
        response: bytes,
        classes: Sequence[str],
        name: str = "the response",
        image_size: tuple[int, int] | None = None,
    ) -> Detections:
        """Decode the response of an endpoint, or a Batch Transform `.out` file, and check every number of it.

        Args:
            response: the response's body.
            classes: the class list the model was trained with, in id order.
            name: where the response is from, for error messages: a path or an endpoint's name.
            image_size: width and height of the image in pixels, where known.

        Raises:
            UserError: empty, not JSON, an error instead of a response, rows of another shape, a class id outside the
                list, a score outside [0, 1], a box whose corners are swapped.

        Example:
            >>> found = Detections.from_sagemaker(b'{"prediction": [[1, 0.9, 0.1, 0.1, 0.5, 0.5]]}', ["bolt", "nut"])
            >>> found.filter(0.5).count()
            {'bolt': 0, 'nut': 1}
        """
        table = parse_rows(response, classes, name)
        corners = table[:, 2:]
        boxes = np.clip(corners, 0, 1)
        clipped = int(np.any(boxes != corners, axis=1).sum())
        return cls(tuple(classes), table[:, 0].astype(np.int64), table[:, 1], boxes, image_size, clipped)

    @classmethod
    def from_supervision(cls, detections: Any, classes: Sequence[str], image_size: tuple[int, int]) -> Detections:
        """Convert a `supervision.Detections`; one without confidence counts as certain.

        Args:
            detections: boxes in pixels, with class ids.
            classes: the class list, in id order.
            image_size: width and height of the image in pixels.

        Raises:
            UserError: it has no class ids, or one that is not in the class list.
        """
        boxes = np.asarray(detections.xyxy, dtype=np.float64).reshape(-1, 4)
        if detections.class_id is None and len(boxes):
            raise UserError("these detections have no class_id: the classes of their objects are not known")
        ids = np.zeros(0) if detections.class_id is None else np.asarray(detections.class_id)
        if len(ids) and not 0 <= ids.min() <= ids.max() < len(classes):
            raise UserError(f"a class_id lies outside 0 to {len(classes) - 1}: give the model's own class list")
        scores = np.ones(len(boxes)) if detections.confidence is None else np.asarray(detections.confidence)
        corners = boxes / (np.array([*image_size, *image_size], dtype=np.float64))
        return cls(tuple(classes), ids.astype(np.int64), scores.astype(np.float64), np.clip(corners, 0, 1), image_size)

    def __len__(self) -> int:
        return len(self.confidence)

    @property
    def xyxy(self) -> Floats:
        """The boxes as (n, 4) xmin, ymin, xmax, ymax in pixels.

        Raises:
            UserError: the image's size is not known.
        """
        if self.image_size is None:
            raise UserError("boxes in pixels need the size of the image: set it with `sized(width, height)`")
        return self.pixels(*self.image_size)

    @property
    def names(self) -> list[str]:
        """The class name of each detection."""
        return [self.classes[class_id] for class_id in self.class_id]

    def sized(self, width: int, height: int) -> Detections:
        """Return these detections with the size of their image in pixels."""
        return replace(self, image_size=(width, height))

    def pixels(self, width: int, height: int) -> Floats:
        """Return the boxes as (n, 4) xmin, ymin, xmax, ymax in pixels of an image of that size."""
        return self.xyxyn * np.array([width, height, width, height], dtype=np.float64)

    def take(self, which: Any) -> Detections:
        """Return some of the detections.

        Args:
            which: their positions, or a boolean for each, as NumPy takes them.
        """
        return replace(self, class_id=self.class_id[which], confidence=self.confidence[which], xyxyn=self.xyxyn[which])

    def filter(self, threshold: Threshold = 0.0, classes: Collection[str] | None = None) -> Detections:
        """Return those with a score of at least the threshold of their class.

        Args:
            threshold: one for all classes, or one for each by name.
            classes: names of the classes to keep; None for all.

        Raises:
            UserError: a class of the list has no threshold, or a name is not in the list.
        """
        by_class = threshold if isinstance(threshold, Mapping) else dict.fromkeys(self.classes, threshold)
        unknown = sorted({*(self.classes if classes is None else classes)} - {*self.classes})
        if unknown:
            raise UserError(f"class {unknown[0]!r} is not in the class list: {', '.join(self.classes)}")
        missing = [name for name in self.classes if name not in by_class]
        if missing:
            raise UserError(f"class {missing[0]!r} has no threshold")
        least = np.array([by_class[name] for name in self.classes], dtype=np.float64)
        kept = self.confidence >= least[self.class_id]
        if classes is not None:
            kept &= np.array([name in classes for name in self.classes], dtype=bool)[self.class_id]
        return self.take(kept)

    def nms(self, iou_threshold: float = 0.5, *, class_agnostic: bool = False) -> Detections:
        """Return the detections that non-maximum suppression keeps, best first.

        Args:
            iou_threshold: one that overlaps a better one by more than this is dropped.
            class_agnostic: also suppress detections of another class.
        """
        order = np.argsort(-self.confidence, kind="stable")
        boxes, ids = self.pixels(*(self.image_size or (1, 1)))[order], self.class_id[order]
        suppressed = iou_matrix(boxes, boxes) > iou_threshold
        if not class_agnostic:
            suppressed &= ids[:, None] == ids[None, :]
        kept = np.ones(len(order), dtype=bool)
        for index in range(len(order)):
            if kept[index]:
                kept[index + 1 :] &= ~suppressed[index, index + 1 :]
        return self.take(order[kept])

    def count(self) -> dict[str, int]:
        """Count the detections of each class of the list."""
        numbers = np.bincount(self.class_id, minlength=len(self.classes))
        return dict(zip(self.classes, numbers.tolist(), strict=True))

    def in_reading_order(self) -> Detections:
        """Return the detections as a person would count them: row by row from the top, each row from the left.

        A box belongs to the row above when its centre lies within the height of that row's first box.
        """
        boxes = self.pixels(*(self.image_size or (1, 1)))
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
        rows: list[list[int]] = []
        for index in np.argsort(y, kind="stable").tolist():
            if rows and y[index] <= boxes[rows[-1][0], 3]:
                rows[-1].append(index)
            else:
                rows.append([index])
        order = [index for row in rows for index in sorted(row, key=lambda one: float(x[one]))]
        return self.take(np.array(order, dtype=np.int64))

    def as_coco(self, image_id: int | str, *, first_category_id: int = 1) -> list[dict[str, Any]]:
        """Return COCO results: `image_id`, `category_id`, `bbox` as left, top, width, height in pixels, and `score`.

        Args:
            image_id: of the image in the annotations file.
            first_category_id: of the first class; the others follow in the order of the class list.

        Raises:
            UserError: the image's size is not known.
        """
        boxes = self.xyxy
        boxes[:, 2:] -= boxes[:, :2]
        rows = zip(self.class_id.tolist(), boxes.tolist(), self.confidence.tolist(), strict=True)
        return [
            {"image_id": image_id, "category_id": class_id + first_category_id, "bbox": box, "score": score}
            for class_id, box, score in rows
        ]

    def as_groundtruth(
        self, source_ref: str, label_attribute: str = "detections", *, created: str | None = None, job: str = ""
    ) -> dict[str, Any]:
        """Return a line of a Ground Truth manifest that says `"human-annotated": "no"`.

        Args:
            source_ref: the image's S3 URI.
            label_attribute: name of the label.
            created: date of the label, ISO 8601 in UTC; None leaves it out.
            job: what labelled the image, for `job-name`; empty leaves it out.

        Raises:
            UserError: the image's size is not known.
        """
        boxes = self.xyxy
        width, height = self.image_size or (0, 0)
        annotations = [
            {"class_id": class_id, "left": left, "top": top, "width": right - left, "height": bottom - top}
            for class_id, (left, top, right, bottom) in zip(self.class_id.tolist(), boxes.tolist(), strict=True)
        ]
        return {
            "source-ref": source_ref,
            label_attribute: {
                "image_size": [{"width": width, "height": height, "depth": 3}],
                "annotations": annotations,
            },
            f"{label_attribute}-metadata": {
                "objects": [{"confidence": score} for score in self.confidence.tolist()],
                "class-map": {str(number): name for number, name in enumerate(self.classes)},
                "type": "groundtruth/object-detection",
                "human-annotated": "no",
                **({"creation-date": created} if created else {}),
                **({"job-name": job} if job else {}),
            },
        }

    def as_supervision(self) -> Any:
        """Convert to a `supervision.Detections`, with the class names in `data["class_name"]`.

        Raises:
            UserError: supervision is not installed, or the image's size is not known.
        """
        try:
            import supervision  # type: ignore[import-not-found,unused-ignore]
        except ImportError:
            raise UserError("this needs supervision, which is not installed: pip install supervision") from None
        names = np.array(self.names, dtype=str)
        return supervision.Detections(
            xyxy=self.xyxy.astype(np.float32),
            confidence=self.confidence.astype(np.float32),
            class_id=self.class_id.astype(int),
            data={"class_name": names},
        )

    def draw(
        self,
        image: Image.Image,
        threshold: Threshold | None = None,
        true_boxes: Sequence[Box] | None = None,
        *,
        numbered: bool = False,
    ) -> Image.Image:
        """Draw the detections on a copy of the image, each with its class and score, and the counts below.

        Args:
            image: any mode; drawn upright as stored, like the labels.
            threshold: detections with a lower score are left out; None draws all.
            true_boxes: drawn as thin white outlines, and counted in the legend, where given.
            numbered: number the objects in reading order.

        Returns:
            An RGB picture, at least 480 pixels on its longer side, with a legend strip below it.

        Example:
            >>> from PIL import Image
            >>> found = Detections.from_sagemaker(b'{"prediction": [[0, 0.9, 0.1, 0.1, 0.5, 0.5]]}', ["nut"])
            >>> found.draw(Image.new("RGB", (640, 480)), threshold=0.5).mode
            'RGB'
        """
        from groundloop.detections.drawing import DrawnBox, draw_boxes

        shown = (self if threshold is None else self.filter(threshold)).sized(*image.size)
        if numbered:
            shown = shown.in_reading_order()
        rows = zip(shown.class_id.tolist(), shown.confidence.tolist(), shown.xyxyn.tolist(), strict=True)
        boxes = [
            DrawnBox(class_id, score, f"{f'{number} ' if numbered else ''}{self.classes[class_id]} {score:.2f}", box)
            for number, (class_id, score, box) in enumerate(rows, start=1)
        ]
        return draw_boxes(image, boxes, self.classes, threshold, true_boxes)
