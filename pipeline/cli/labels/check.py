"""`groundloop labels check`: what is wrong with manifests, and what training on them needs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundloop.escaping import shortened
from pipeline.cli.labels.messages import print_notes
from pipeline.cli.labels.progress import counter
from pipeline.cli.options import Region
from pipeline.cli.output import print_json, print_line, print_lines

if TYPE_CHECKING:
    from groundloop.labels.checking import CheckResult
    from groundloop.labels.findings import LabelFinding
    from groundloop.labels.image_check import ImageChecker
    from groundloop.labels.records import Line

_EXAMPLES = 3
_IN_S3 = "s3"


def check(
    manifests: Annotated[list[str], typer.Argument(help="Labels in any format that convert reads.")],
    label_attribute: Annotated[str, typer.Option(help="Label attribute; auto: the only one there is.")] = "auto",
    classes: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME,NAME",
            help="In the order of ids: nut,bolt. A name with a comma in quotes: '\"nut, M4\",bolt'.",
        ),
    ] = None,
    images: Annotated[
        str | None, typer.Option(metavar="DIR|s3", help="Open the images too: in this folder, or where they are in S3.")
    ] = None,
    max_image_mb: Annotated[float, typer.Option(min=0.001, help="Larger images are findings.")] = 6,
    image_shape: Annotated[int, typer.Option(min=1, help="Side in pixels that training resizes to.")] = 300,
    clip_tolerance: Annotated[float, typer.Option(min=0, help="Pixels beyond the image that are clipped.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="All findings and metrics as one JSON object.")] = False,
    region: Region = "us-east-1",
) -> None:
    """Check labels line by line.

    Labels in other formats than Ground Truth's are converted to a manifest first. The exit code is 1 when there is an
    error.

    Example: groundloop labels check output.manifest --images photos/
    """
    from groundloop.labels.checking import check_lines, check_together
    from groundloop.labels.classes import ClassList
    from groundloop.labels.findings import Severity
    from groundloop.labels.label_input import read_manifest
    from pipeline.cli.options import class_names

    configured = ClassList.from_config(class_names(classes)) if classes else None
    allowed = configured.names if configured else None
    folder = None if images in (None, _IN_S3) else Path(str(images))
    checker = _checker(folder, max_image_mb, region) if images is not None else None
    attributes: dict[str, str] = {}
    lines: dict[str, list[Line]] = {}
    for place in dict.fromkeys(manifests):
        source = read_manifest(place, region, label_attribute, allowed, clip_tolerance, folder)
        print_notes(place, source.notes)
        attributes[place] = source.label_attribute
        lines[place] = _with_images(source.lines, checker) if checker else source.lines
    results = {place: check_lines(lines[place], attributes[place], configured, image_shape) for place in lines}
    together = check_together(lines, configured, image_shape) if len(lines) > 1 else None
    if as_json:
        print_json(_json(results, attributes, together))
    else:
        for place, checked in results.items():
            print_lines([f"{place}, label attribute {attributes[place]!r}", *_table(checked), ""])
        if together:
            print_lines([f"all {len(results)} manifests together", *_table(together), ""])
        counts = (sum(checked.count(severity) for checked in results.values()) for severity in Severity)
        print_line("{} errors, {} warnings".format(*counts))
    # Together they hold no error that none of them holds.
    if any(checked.count(Severity.ERROR) for checked in results.values()):
        raise typer.Exit(1)


def _checker(folder: Path | None, max_image_mb: float, region: str) -> ImageChecker:
    from groundloop.images.access import MEGABYTE
    from groundloop.images.local import FolderImages
    from groundloop.images.s3 import S3Images
    from groundloop.labels.image_check import ImageCheck, ImageChecker

    source = S3Images(region) if folder is None else FolderImages(folder)
    return ImageChecker(ImageCheck.DECODE, int(max_image_mb * MEGABYTE), source)


def _with_images(lines: list[Line], checker: ImageChecker) -> list[Line]:
    """Check the images of usable lines; show the progress on stderr if that is a terminal."""
    from groundloop.labels.image_check import with_image_finding

    usable = [line for line in lines if line.record]
    progress = counter("images")
    changed: dict[int, Line] = {}
    for done, (line, finding) in enumerate(checker.findings(usable), start=1):
        changed[line.number] = with_image_finding(line, finding)
        progress(done, len(usable))
    return [changed.get(line.number, line) for line in lines]


def _table(checked: CheckResult) -> list[str]:
    from groundloop.labels.findings import Severity, Tally
    from groundloop.labels.records import LineStatus

    tally = Tally(_EXAMPLES)
    tally.add(checked.findings)
    rows = [f"  {'severity':<8}  {'code':<48} {'count':>7}"] if tally.counts else ["  no findings"]
    for code, count in sorted(tally.counts.items(), key=lambda item: (item[0].severity is Severity.WARNING, -item[1])):
        rows.append(f"  {code.severity.value:<8}  {code.value:<48} {count:>7}")
        rows += [f"      {_example(finding)}" for finding in tally.examples[code]]
        if count > _EXAMPLES:
            rows.append(f"      and {count - _EXAMPLES} more")
    overview = checked.overview
    kinds = ", ".join(f"{checked.lines[kind]} {kind.value}" for kind in LineStatus if checked.lines[kind])
    automatic = f"; {overview.auto_labelled} labelled automatically" if overview.auto_labelled else ""
    rows += ["", f"  lines    {checked.lines.total()} read{': ' if kinds else ''}{kinds}{automatic}"]
    rows.append(f"  classes  {len(checked.classes)}, boxes {overview.boxes.total()}")
    rows += [
        f"    {name:<30} {overview.boxes[name]:>7} boxes on {overview.images_with[name]} images"
        for name in checked.classes
    ]
    needs = asdict(overview.needs(len(checked.classes)))
    rows.append(f"  the built-in algorithm needs: {', '.join(f'{name} {value}' for name, value in needs.items())}")
    rows.append(
        "    (num_training_samples if all these images are trained on; mini_batch_size is the smallest sensible)"
    )
    return rows


def _example(finding: LabelFinding) -> str:
    where = " ".join(filter(None, [f"line {finding.line}" if finding.line else "", finding.source_ref]))
    return shortened(f"{where}: {finding.message}" if where else finding.message)


def _json(results: dict[str, CheckResult], attributes: dict[str, str], together: CheckResult | None) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "format": 1,
        "manifests": [
            {"manifest": place, "label_attribute": attributes[place], **_counts(checked)}
            for place, checked in results.items()
        ],
    }
    return counts | ({"together": _counts(together)} if together else {})


def _counts(checked: CheckResult) -> dict[str, Any]:
    from groundloop.labels.findings import Severity, Tally
    from groundloop.labels.records import LineStatus

    tally = Tally(0)
    tally.add(checked.findings)
    overview = checked.overview
    return {
        "errors": checked.count(Severity.ERROR),
        "warnings": checked.count(Severity.WARNING),
        "counts": tally.by_code(),
        "findings": [
            {
                "severity": finding.severity.value,
                "code": finding.code.value,
                "line": finding.line,
                "source_ref": finding.source_ref,
                "message": finding.message,
            }
            for finding in checked.findings
        ],
        "lines": {"read": checked.lines.total(), **{kind.value: checked.lines[kind] for kind in LineStatus}},
        "auto_labelled": overview.auto_labelled,
        "classes": {
            name: {"boxes": overview.boxes[name], "images": overview.images_with[name]} for name in checked.classes
        },
        "needs": asdict(overview.needs(len(checked.classes))),
    }
