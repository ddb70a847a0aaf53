"""Charts of a labelled data set: class balance, box sizes and positions, boxes per image, on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from groundloop.labels.statistics import Statistics
from groundloop.report.chart import (
    Dot,
    LegendEntry,
    Plot,
    PlotArea,
    axes,
    bar,
    dot,
    series_colour,
    series_look,
    whole_ticks,
)
from groundloop.report.templating import render
from groundloop.wording import quantity

# Points of one class are drawn up to this many; more make no difference to the eye, and a heavy file.
_MAX_POINTS = 2000
# A legend of more classes would be longer than the charts.
_MAX_LEGEND = 40
_SIZE = (480.0, 340.0)

Points = Mapping[str, Sequence[tuple[float, float]]]


@dataclass(frozen=True, slots=True)
class ClassBalance:
    """The boxes of a class, and the images that show it; widths are per cent of the most boxes."""

    name: str
    look: str
    boxes: int
    images: int
    boxes_width: str
    images_width: str


def write_label_charts(statistics: Statistics, folder: Path) -> Path:
    """Write `statistics.html` and return its path.

    Args:
        statistics: of the data set.
        folder: made when missing; a file of the same name is replaced.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from groundloop.labels.records import Box, Record
        >>> record = Record("a.jpg", 100, 100, (Box("nut", 10, 10, 40, 40),), ())
        >>> with TemporaryDirectory() as folder:
        ...     page = write_label_charts(Statistics.of([record]), Path(folder))
        >>> page.name
        'statistics.html'
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / "statistics.html"
    names = statistics.classes
    legend = [LegendEntry(series_look(index), name) for index, name in enumerate(names[:_MAX_LEGEND])]
    if len(names) > _MAX_LEGEND:
        more = quantity(len(names) - _MAX_LEGEND, "more class", "more classes")
        legend.append(LegendEntry("grid", "", f"and {more}"))
    text = render(
        "label_statistics.html",
        statistics=statistics,
        balance=_class_balance(statistics),
        charts=[_box_sizes(statistics), _box_positions(statistics), _boxes_per_image(statistics)],
        legend=legend,
    )
    target.write_text(text, encoding="utf-8", newline="\n")
    return target


def _class_balance(statistics: Statistics) -> list[ClassBalance]:
    """Return the classes, that with the most boxes first."""
    maximum = max(statistics.boxes.values(), default=1)
    return [
        ClassBalance(
            name=name,
            look=series_colour(statistics.classes.index(name)),
            boxes=boxes,
            images=statistics.images_with[name],
            boxes_width=f"{100 * boxes / maximum:.1f}",
            images_width=f"{100 * statistics.images_with[name] / maximum:.1f}",
        )
        for name, boxes in statistics.boxes.most_common()
    ]


def _box_sizes(statistics: Statistics) -> Plot:
    sizes = [size for name in statistics.classes for size in statistics.sizes[name]]
    x_ticks, y_ticks = (whole_ticks(int(max((size[side] for size in sizes), default=1)) + 1) for side in (0, 1))
    area = PlotArea(_SIZE, x=(0, x_ticks[-1]), y=(0, y_ticks[-1]))
    return Plot(
        title="Box sizes",
        alt="Height over width of each box, by class",
        axes=axes(area, x_ticks, y_ticks, ("width, pixels", "height, pixels")),
        dots=_points(area, statistics.classes, statistics.sizes),
    )


def _box_positions(statistics: Statistics) -> Plot:
    ticks = (0, 0.2, 0.4, 0.6, 0.8, 1.0)
    # The origin is the image's top-left corner.
    area = PlotArea(_SIZE, y=(1.0, 0.0))
    return Plot(
        title="Box centers",
        alt="Centers of the boxes, as fractions of the image's width and height, by class",
        axes=axes(area, ticks, ticks, ("fraction of the image's width", "fraction of its height")),
        dots=_points(area, statistics.classes, statistics.places),
    )


def _points(area: PlotArea, classes: Sequence[str], points: Points) -> tuple[Dot, ...]:
    return tuple(
        dot(area, x, y, name, 2.6, f"point {series_colour(index)}")
        for index, name in enumerate(classes)
        for x, y in points[name][:_MAX_POINTS]
    )


def _boxes_per_image(statistics: Statistics) -> Plot:
    counts = statistics.boxes_per_image
    x_ticks, y_ticks = whole_ticks(max(counts, default=1)), whole_ticks(max(counts.values(), default=1))
    area = PlotArea(_SIZE, x=(-0.6, x_ticks[-1] + 0.6), y=(0, y_ticks[-1]))
    width = area.x_of(0.9) - area.x_of(0)
    bars = [
        bar(
            area,
            area.x_of(boxes - 0.45),
            width,
            images,
            f"{quantity(images, 'image')} with {quantity(boxes, 'box', 'boxes')}",
        )
        for boxes, images in sorted(counts.items())
    ]
    return Plot(
        title="Boxes per image",
        alt="Number of images by their number of boxes",
        axes=axes(area, x_ticks, y_ticks, ("boxes", "images")),
        bars=tuple(bars),
    )
