"""The output manifest of a labelling job, checked by our own reader before a pipeline is to read it.

That of a verification job holds no boxes but verdicts: SageMaker developer guide, "Label verification job output".
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass

import msgspec

from groundloop.errors import UserError
from groundloop.labels.attributes import METADATA
from groundloop.labels.findings import LabelFinding, Severity
from groundloop.labels.manifest import ManifestReader, source_ref_of
from groundloop.labels.records import LineStatus


@dataclass(frozen=True, slots=True)
class OutputManifest:
    """What an output manifest holds.

    Attributes:
        labelled: lines with boxes; `negatives` without any, as a person found none.
        negatives: see above.
        unlabelled: lines that nobody has labelled yet.
        failed: lines that could not be labelled.
        boxes: of all lines.
        classes: names that the lines' class maps have, sorted.
        findings: what is wrong, errors first.
    """

    labelled: int
    negatives: int
    unlabelled: int
    failed: int
    boxes: int
    classes: tuple[str, ...]
    findings: tuple[LabelFinding, ...]

    @property
    def errors(self) -> int:
        """Lines that Prepare would reject."""
        return sum(finding.severity is Severity.ERROR for finding in self.findings)


def read_output_manifest(content: bytes, attribute: str) -> OutputManifest:
    """Read and check an output manifest.

    Args:
        content: of the file.
        attribute: the job's label attribute.

    Raises:
        UserError: it is empty.
    """
    counts: Counter[LineStatus] = Counter()
    boxes = 0
    classes: set[str] = set()
    findings: list[LabelFinding] = []
    reader = ManifestReader(attribute)
    for number, raw in enumerate(content.splitlines(), start=1):
        line = reader.read_line(number, raw)
        counts[line.status] += 1
        findings += line.findings
        if line.record:
            boxes += len(line.record.boxes)
            classes |= set(line.record.class_names)
    if not counts:
        raise UserError("the output manifest is empty")
    return OutputManifest(
        labelled=counts[LineStatus.LABELLED],
        negatives=counts[LineStatus.NEGATIVE],
        unlabelled=counts[LineStatus.UNLABELLED],
        failed=counts[LineStatus.FAILED],
        boxes=boxes,
        classes=tuple(sorted(classes)),
        findings=tuple(sorted(findings, key=lambda one: one.severity is not Severity.ERROR)),
    )


class _Verdict(msgspec.Struct, rename={"class_name": "class-name"}):
    class_name: str = ""


def read_verdicts(content: bytes, attribute: str) -> dict[str, list[str]]:
    """Return the images of a verification job's output by their verdict; "" for those without one.

    Args:
        content: of the file.
        attribute: the job's label attribute.

    Example:
        >>> read_verdicts(b'{"source-ref": "s3://b/1.jpg", "v": "1", "v-metadata": {"class-name": "bad"}}', "v")
        {'bad': ['s3://b/1.jpg']}
    """
    line_type = msgspec.defstruct(
        "VerifiedLine", [("verdict", _Verdict | None, None)], rename={"verdict": attribute + METADATA}
    )
    decoder = msgspec.json.Decoder(line_type)
    verdicts: dict[str, list[str]] = {}
    for number, raw in enumerate(content.splitlines(), start=1):
        try:
            found: _Verdict | None = decoder.decode(raw).verdict  # type: ignore[attr-defined]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise UserError(f"line {number} is no line of a verification job: {error}") from None
        verdicts.setdefault(found.class_name if found else "", []).append(source_ref_of(raw))
    return verdicts


class _Metadata(msgspec.Struct, rename="kebab"):
    job_name: str = ""


_JOB = "labeling-job/"
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_METADATA = msgspec.json.Decoder(_Metadata)


def jobs_of_other_labels(content: bytes, attribute: str) -> set[str]:
    """Return the names of the labelling jobs that the labels beside a job's own say they are of.

    Args:
        content: of an output manifest.
        attribute: the job's own label attribute.

    Example:
        >>> jobs_of_other_labels(b'{"a-metadata": {"job-name": "labeling-job/week-47"}, "v": "1"}', "v")
        {'week-47'}
    """
    names = set()
    for raw in content.splitlines():
        for key, value in _FIELDS.decode(raw).items():
            if not key.endswith(METADATA) or key == attribute + METADATA:
                continue
            with contextlib.suppress(msgspec.ValidationError):  # somebody's own key may end alike
                names.add(_METADATA.decode(value).job_name)
    return {name.removeprefix(_JOB) for name in names if name.startswith(_JOB)}
