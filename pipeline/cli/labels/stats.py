"""`groundloop labels stats`: a labelled data set in numbers and plots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.labels.messages import print_notes, require_usable
from pipeline.cli.options import Region
from pipeline.cli.output import print_json, print_line, print_lines, print_table

if TYPE_CHECKING:
    from groundloop.labels.records import Record
    from groundloop.labels.statistics import Statistics


def stats(
    manifests: Annotated[list[str], typer.Argument(help="Labels in any format that convert reads.")],
    images: Annotated[Path | None, typer.Option(help="Folder with the images, for labels without their sizes.")] = None,
    label_attribute: Annotated[str, typer.Option(help="Label attribute; auto: the only one there is.")] = "auto",
    plot: Annotated[Path | None, typer.Option(help="Folder for a page of charts.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The numbers as one JSON object.")] = False,
    region: Region = "us-east-1",
) -> None:
    """Count classes, boxes and image sizes.

    Also counts boxes per image, and classes that occur together.

    An image that is labelled more than once counts once, with its last labels.

    Example: groundloop labels stats output.manifest --plot plots/
    """
    from groundloop.labels.findings import LabelCode
    from groundloop.labels.label_input import read_manifest
    from groundloop.labels.statistics import Statistics

    records: dict[str, Record] = {}
    replaced = 0
    for place in manifests:
        _, lines, notes = read_manifest(place, region, label_attribute, images=images)
        print_notes(place, notes)
        require_usable(place, lines)
        replaced += sum(finding.code is LabelCode.DUPLICATE_SOURCE_REF for line in lines for finding in line.findings)
        found = {line.record.source_ref: line.record for line in lines if line.record}
        replaced += len(records.keys() & found.keys())
        records |= found
    statistics = Statistics.of(records.values())
    if as_json:
        print_json(_numbers(statistics) | {"labels_replaced_by_later_ones": replaced})
    else:
        again = [f"again    {replaced} labels not counted: a later line labels the same image"] if replaced else []
        print_lines([*again, *_totals(statistics)])
        _print_classes(statistics)
    if plot is not None:
        from groundloop.report.label_charts import write_label_charts

        print_line(f"charts: {write_label_charts(statistics, plot)}", to_stderr=as_json)


def _numbers(statistics: Statistics) -> dict[str, Any]:
    return {
        "format": 1,
        "images": statistics.images,
        "negatives": statistics.negatives,
        "image_sizes": {f"{w}x{h}": count for (w, h), count in statistics.image_sizes.most_common()},
        "boxes_per_image": {str(boxes): count for boxes, count in sorted(statistics.boxes_per_image.items())},
        "classes": {name: _class(statistics, name) for name in statistics.classes},
        "together": [{"classes": pair, "images": count} for pair, count in statistics.together.most_common()],
    }


def _class(statistics: Statistics, name: str) -> dict[str, Any]:
    from groundloop.labels.statistics import quantile

    widths, heights = (list(values) for values in zip(*statistics.sizes[name], strict=True))
    return {
        "boxes": statistics.boxes[name],
        "images": statistics.images_with[name],
        "width": {"min": min(widths), "median": quantile(widths, 0.5), "max": max(widths)},
        "height": {"min": min(heights), "median": quantile(heights, 0.5), "max": max(heights)},
    }


def _totals(statistics: Statistics) -> list[str]:
    numbers = _numbers(statistics)
    sizes = ", ".join(f"{size} ({count})" for size, count in list(numbers["image_sizes"].items())[:5])
    max_boxes = max(statistics.boxes_per_image, default=0)
    return [
        f"images   {statistics.images}, {statistics.negatives} of them negatives; sizes {sizes or 'none'}",
        f"boxes    {statistics.boxes.total()}, at most {max_boxes} on one image",
        "sizes of boxes in pixels: minimum / median / maximum",
        "",
    ]


def _print_classes(statistics: Statistics) -> None:
    def three(sizes: dict[str, float]) -> str:
        return f"{sizes['min']:g} / {sizes['median']:g} / {sizes['max']:g}"

    print_table(
        ("class", "boxes", "images", "width", "height"),
        [
            (name, one["boxes"], one["images"], three(one["width"]), three(one["height"]))
            for name, one in _numbers(statistics)["classes"].items()
        ],
        right=("boxes", "images"),
    )
    if statistics.together:
        print_lines(["", "on one image together"])
        pairs = statistics.together.most_common(10)
        rows = [(" + ".join(pair), f"{count:,} {'image' if count == 1 else 'images'}") for pair, count in pairs]
        print_table(("", ""), rows, indent=2)
