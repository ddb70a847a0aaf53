"""`groundloop review insight`: who labelled how much, how fast and how well."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import AsJson, Region
from pipeline.cli.output import print_json, print_line, print_table, print_values, print_warning, terminal_width
from pipeline.cli.review.queues import FOLDER, open_queue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import tzinfo

    from groundloop.review.insight.columns import Column
    from groundloop.review.insight.metrics import WorkMetrics
    from groundloop.review.insight.report import Insight

_MAX_FINDINGS = 20


def insight(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A queue, or a folder or S3 prefix: a Ground Truth labelling job's output, or A2I's outputs.",
        ),
    ],
    gold: Annotated[
        str | None, typer.Option(metavar="LABELS", help="Labels that are known to be right; any format.")
    ] = None,
    label_attribute: Annotated[str, typer.Option(help="Label attribute of --gold; auto: the only one.")] = "auto",
    rate: Annotated[float | None, typer.Option(min=0, help="Cost of an hour of work.")] = None,
    time_zone: Annotated[
        str, typer.Option(metavar="ZONE", help="Where days begin at midnight, such as Asia/Tokyo.")
    ] = "UTC",
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="PATH", help="Write tables: workers by day to a .csv, or three to a folder."),
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page with tables and charts.")] = None,
    as_json: AsJson = False,
    region: Region = "us-east-1",
) -> None:
    """Show who labelled how much, how fast, how well.

    By worker and by day: images, boxes, seconds, changes to the boxes that were shown, agreement with the label that
    all workers give together and with gold labels. In all: Krippendorff's alpha, hours, cost, and when a queue will be
    done. Reviewers' names are only shown here, on a terminal; files and --json have pseudonyms.

    Example: groundloop review insight week-47 --rate 30 --html insight.html
    """
    from groundloop.labels.reading import read_labels
    from groundloop.review.insight.gold import gold_by_image
    from groundloop.review.insight.page import write_insight_page
    from groundloop.review.insight.report import insight as computed
    from groundloop.review.insight.sources import read_source
    from groundloop.review.insight.tables import as_json as insight_json
    from groundloop.review.insight.tables import write_csv

    zone = _zone(time_zone)
    answers = read_source(_place(source), region)
    known = None if gold is None else gold_by_image(read_labels(gold, label_attribute=label_attribute), answers.answers)
    result = computed(answers, gold=known, rate=rate, zone=zone)
    written = [] if csv is None else write_csv(result, csv)
    written += [] if html is None else [write_insight_page(result, html)]
    for finding in result.findings[:_MAX_FINDINGS]:
        print_warning(finding.message)
    if len(result.findings) > _MAX_FINDINGS:
        print_warning(f"and {len(result.findings) - _MAX_FINDINGS:,} more findings: --json lists all")
    if as_json:
        print_json(insight_json(result))
    else:
        _print(result, written)


def _place(source: str) -> str:
    """Return the folder of a queue that is named, else the place itself."""
    from groundloop.review.queue import FILE_NAME

    if (FOLDER / source / FILE_NAME).is_file():
        return str(FOLDER / source)
    if "/" not in source and not Path(source).exists():
        open_queue(source).close()  # which says what queues there are
    return source


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise typer.BadParameter(f"there is no time zone {name!r}: give one such as Asia/Tokyo or UTC") from None


def _print(result: Insight, written: list[Path]) -> None:
    from groundloop.review.insight.columns import summary

    print_values(summary(result))
    if result.workers:
        _print_tables(result)
    for path in written:
        print_line(f"written {path}")


def _print_tables(result: Insight) -> None:
    from groundloop.review.insight.columns import CHANGES, UNKNOWN, by_labels, short_names, work_columns

    # Names stay on the reviewer's own screen: what is redirected may end up in a log or a file.
    on_terminal = terminal_width() is not None
    names = result.source.reviewers if on_terminal else {}
    shown = {**(short_names(result.workers) if on_terminal else {}), **names}
    by_worker = {shown.get(worker, worker): metrics for worker, metrics in by_labels(result)}
    _print_table("worker", by_worker, work_columns(result))
    _print_table("worker", by_worker, CHANGES)
    _print_table("day", {day or UNKNOWN: metrics for day, metrics in result.days.items()}, work_columns(result))
    print_line()
    if names:
        print_line("The names are those of the queue's reviewers; files and --json have pseudonyms:")
        print_values({name: outside for outside, name in names.items()}, indent=2)
    print_line("F1 and IoU: agreement with the label that all workers of an image give together.")


def _print_table(key: str, rows: Mapping[str, WorkMetrics], columns: Sequence[Column]) -> None:
    names = [column.name for column in columns]
    print_line()
    cells = [[name, *(column.cell(metrics) for column in columns)] for name, metrics in rows.items()]
    print_table([key, *names], cells, right=names)
