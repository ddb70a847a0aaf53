"""Plots of a labelled data set, under the folder that the user named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")  # before pyplot: no window system is needed

from matplotlib import pyplot  # see above

from groundloop.labels.statistics import Statistics

# Points of one class are drawn up to this many; more make no difference to the eye, and a heavy file.
_MOST_POINTS = 5000


def draw(statistics: Statistics, folder: Path) -> list[Path]:
    """Write class balance, box sizes, positions and boxes per image as PNGs.

    Args:
        folder: made when missing; files of the same names are replaced.

    Returns:
        The files written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plots = {
        "class_balance": _class_balance,
        "box_sizes": _box_sizes,
        "box_positions": _box_positions,
        "boxes_per_image": _boxes_per_image,
    }
    written = []
    for name, plot in plots.items():
        figure, axes = pyplot.subplots(figsize=(7, 5), layout="constrained")
        plot(axes, statistics)
        target = folder / f"{name}.png"
        figure.savefig(target, dpi=120)
        pyplot.close(figure)
        written.append(target)
    return written


def _class_balance(axes: Any, statistics: Statistics) -> None:
    names = [name for name, _ in statistics.boxes.most_common()][::-1]
    bars = axes.barh(names, [statistics.boxes[name] for name in names], label="boxes")
    axes.bar_label(bars, padding=3)
    axes.barh(names, [statistics.images_with[name] for name in names], height=0.4, label="images")
    axes.margins(x=0.12)
    axes.set(title="Class balance", xlabel="count")
    axes.legend(loc="lower right")


def _box_sizes(axes: Any, statistics: Statistics) -> None:
    for name in statistics.classes:
        widths, heights = zip(*statistics.sizes[name][:_MOST_POINTS], strict=True)
        axes.scatter(widths, heights, s=8, alpha=0.5, label=name)
    axes.set(title="Box sizes", xlabel="width, pixels", ylabel="height, pixels", xlim=(0, None), ylim=(0, None))
    _legend(axes, statistics)


def _box_positions(axes: Any, statistics: Statistics) -> None:
    for name in statistics.classes:
        across, down = zip(*statistics.places[name][:_MOST_POINTS], strict=True)
        axes.scatter(across, down, s=8, alpha=0.5, label=name)
    axes.set(title="Where boxes lie (their middle)", xlabel="across the image", ylabel="down the image")
    axes.set(xlim=(0, 1), ylim=(1, 0))  # the origin is the image's top-left corner
    _legend(axes, statistics)


def _boxes_per_image(axes: Any, statistics: Statistics) -> None:
    counts = sorted(statistics.boxes_per_image)
    axes.bar(counts, [statistics.boxes_per_image[count] for count in counts], width=0.9)
    axes.set(title="Boxes per image", xlabel="boxes", ylabel="images")
    axes.xaxis.get_major_locator().set_params(integer=True)


def _legend(axes: Any, statistics: Statistics) -> None:
    """A legend where it is readable; dozens of classes would hide the plot."""
    if 0 < len(statistics.classes) <= 12:
        axes.legend(markerscale=2)
