"""Checking a labelled data set: its lines, its classes, what training will need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from groundloop.labels.class_maps import ClassMaps, class_map_of
from groundloop.labels.classes import ClassList, similar_names, unused_classes
from groundloop.labels.findings import LabelCode, LabelFinding, Severity
from groundloop.labels.records import Line, LineStatus
from groundloop.labels.training_requirements import IMAGE_SHAPE, Overview
from groundloop.s3 import SCHEME

_MAX_BUCKETS_SHOWN = 3
_NOTHING_USABLE = "no line holds labels that can be used: training needs images with boxes; see the other findings"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of checking one data set.

    Attributes:
        lines: number of lines by status.
        classes: the configured classes, or all names of the lines' maps.
        overview: counts over the usable lines.
        findings: of the lines in their order, then of the whole.
    """

    lines: Counter[LineStatus]
    classes: ClassList
    overview: Overview
    findings: list[LabelFinding]

    def count(self, severity: Severity) -> int:
        """Count the findings of one severity."""
        return sum(finding.severity is severity for finding in self.findings)


def check_lines(
    lines: Sequence[Line], attribute: str, configured: ClassList | None = None, image_shape: int = IMAGE_SHAPE
) -> CheckResult:
    """Check the lines of one manifest, after duplicates were resolved, as a data set.

    Args:
        attribute: the label attribute that they were read with.
        configured: the class list, if there is one.
        image_shape: pixels; what training will resize images to.
    """
    checked = _check_dataset(lines, configured, image_shape)
    checked.findings[:0] = [finding for line in lines for finding in line.findings]
    maps = ClassMaps()
    for line in lines:
        if line.record:
            maps.add(class_map_of(line.raw, attribute), line.number)
    checked.findings.extend(maps.findings())
    return checked


def check_together(
    manifests: Mapping[str, Sequence[Line]], configured: ClassList | None = None, image_shape: int = IMAGE_SHAPE
) -> CheckResult:
    """Check several manifests, by name, as one data set; findings of single lines are not repeated."""
    checked = _check_dataset([line for lines in manifests.values() for line in lines], configured, image_shape)
    first: dict[str, str] = {}
    for name, lines in manifests.items():
        shared = [line.record.source_ref for line in lines if line.record and line.record.source_ref in first]
        if shared:
            message = (
                f"{len(shared)} images of {name} are labelled in an earlier manifest too, such as {first[shared[0]]}"
            )
            checked.findings.append(
                LabelFinding(
                    LabelCode.IMAGE_IN_SEVERAL_MANIFESTS, f"{message}: decide which labels count", source_ref=shared[0]
                )
            )
        first.update((line.record.source_ref, name) for line in lines if line.record)
    return checked


def _check_dataset(lines: Iterable[Line], configured: ClassList | None, image_shape: int) -> CheckResult:
    overview = Overview(image_shape)
    statuses: Counter[LineStatus] = Counter()
    names: set[str] = set()
    buckets: set[str] = set()
    for line in lines:
        statuses[line.status] += 1
        if line.record:
            buckets.add(line.record.source_ref.removeprefix(SCHEME).partition("/")[0])
            overview.add([line.record])
            names.update(line.record.class_names)
    classes = configured or ClassList.from_union(names)
    findings: list[LabelFinding] = []
    if statuses.total() == statuses[LineStatus.BLANK]:
        findings.append(
            LabelFinding(LabelCode.EMPTY_MANIFEST, "the manifest holds no line: check that it is the right file")
        )
    elif not statuses[LineStatus.LABELLED]:
        findings.append(LabelFinding(LabelCode.NO_USABLE_LABELS, _NOTHING_USABLE))
    findings += [*similar_names(classes), *unused_classes(classes, overview.boxes), *overview.findings()]
    findings += _several_buckets(buckets)
    return CheckResult(statuses, classes, overview, findings)


def _several_buckets(buckets: set[str]) -> list[LabelFinding]:
    """Return a finding if images lie in several buckets: the list for Batch Transform takes one prefix."""
    if len(buckets) <= 1:
        return []
    shown = sorted(buckets)[:_MAX_BUCKETS_SHOWN]
    more = f" and {len(buckets) - len(shown)} more" if len(buckets) > len(shown) else ""
    message = (
        f"the images lie in {len(buckets)} buckets ({', '.join(shown)}{more}), but Batch Transform takes the "
        "validation and test images from one: copy them into one bucket, and correct the source-refs"
    )
    return [LabelFinding(LabelCode.SEVERAL_BUCKETS, message)]
