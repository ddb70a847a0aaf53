from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from groundloop.labels.checking import check_lines, check_together
from groundloop.labels.classes import ClassList
from groundloop.labels.findings import LabelCode, Severity
from groundloop.labels.manifest import ManifestReader
from groundloop.labels.records import Line, LineStatus

ManifestLine = Callable[..., dict[str, Any]]


def _lines(*lines: dict[str, Any]) -> list[Line]:
    return list(ManifestReader("bb").read(json.dumps(line).encode() for line in lines))


def test_findings_of_lines_come_first_and_then_those_of_the_whole(manifest_line: ManifestLine) -> None:
    corrupted = manifest_line("b.jpg")
    del corrupted["source-ref"]
    checked = check_lines(_lines(manifest_line(), corrupted, {"source-ref": "s3://b/u"}), "bb")
    assert [finding.code for finding in checked.findings] == [
        LabelCode.MISSING_SOURCE_REF,
        LabelCode.UNLABELLED,
        LabelCode.UNUSED_CLASS,
        LabelCode.FEW_EXAMPLES,
    ]
    assert (checked.count(Severity.ERROR), checked.count(Severity.WARNING)) == (1, 3)
    assert checked.lines == {LineStatus.LABELLED: 1, LineStatus.REJECTED: 1, LineStatus.UNLABELLED: 1}
    assert checked.classes == ClassList(("bolt", "nut"))


def test_together_the_whole_counts_and_images_in_both_are_told_once(manifest_line: ManifestLine) -> None:
    one = _lines(*(manifest_line(f"{n}.jpg", class_map={"0": "nut"}) for n in range(6)))
    other = _lines(*(manifest_line(f"{n}.jpg", class_map={"0": "nut"}) for n in range(4, 9)))
    assert LabelCode.FEW_EXAMPLES in [finding.code for finding in check_lines(one, "bb").findings]
    checked = check_together({"one": one, "other": other})
    assert [finding.code for finding in checked.findings] == [LabelCode.IMAGE_IN_SEVERAL_MANIFESTS]
    assert "2 images of other are labelled in an earlier manifest too, such as one" in checked.findings[0].message


def test_images_in_several_buckets_are_a_warning(manifest_line: ManifestLine) -> None:
    """Batch Transform's list of images takes one prefix."""
    lines = [manifest_line(f"{n}.jpg", class_map={"0": "nut"}) for n in range(5)]
    moved = [{**line, "source-ref": f"s3://bucket-{number}/a.jpg"} for number, line in enumerate(lines)]
    together, apart = (check_lines(_lines(*given), "bb").findings for given in (lines, moved))
    assert LabelCode.SEVERAL_BUCKETS not in [finding.code for finding in together]
    (finding,) = [finding for finding in apart if finding.code is LabelCode.SEVERAL_BUCKETS]
    assert finding.message.startswith("the images lie in 5 buckets (bucket-0, bucket-1, bucket-2 and 2 more)")


def test_the_configured_list_decides_the_classes(manifest_line: ManifestLine) -> None:
    checked = check_lines(_lines(manifest_line()), "bb", ClassList(("nut", "cog")))
    assert checked.classes.names == ("nut", "cog")
    assert checked.overview.needs(len(checked.classes)).num_classes == 2


def test_contradicting_class_maps_are_told_once_of_each_manifest(manifest_line: ManifestLine) -> None:
    maps: list[dict[str, str]] = [{"0": "nut"}, {"0": "bolt"}, {"0": "nut"}, {"0": "bolt", "1": "nut"}]
    lines = _lines(*(manifest_line(f"{n}.jpg", class_map=one) for n, one in enumerate(maps)))
    found = [one for one in check_lines(lines, "bb").findings if one.code is LabelCode.CLASS_MAPS_DIFFER]
    assert [one.message.split(":")[0] for one in found] == [
        "class id 0 is 'nut' on line 1 and 'bolt' on line 2; 2 lines contradict an earlier one"
    ]
    assert not check_lines(_lines(manifest_line()), "bb").count(Severity.ERROR)


def test_an_attribute_longer_than_a_labelling_job_takes(manifest_line: ManifestLine) -> None:
    line = manifest_line() | {"notes": "x" * 20_000}
    (finding,) = [one for one in check_lines(_lines(line), "bb").findings if one.code is LabelCode.LONG_ATTRIBUTE]
    assert (finding.line, finding.source_ref) == (1, "s3://bucket/a.jpg")
