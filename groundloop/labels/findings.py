"""Findings in labelled data: stable codes, severities, and where they are.

Codes are Amazon Rekognition Custom Labels' names (developer guide, "Debugging a failed model training", terminal and
non-terminal JSON line errors) where one fits: it is the only published vocabulary for this file format. The others, in
the same style, are this project's own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from groundloop.findings import Severity as Severity
from groundloop.images.access import ImageFault


class LabelCode(str, Enum):
    """The code of a finding, as reports, logs and summary.json show it."""

    # Rekognition's names
    MISSING_SOURCE_REF = "ERROR_MISSING_SOURCE_REF"
    INVALID_SOURCE_REF = ImageFault.INVALID_URI.value
    INVALID_JSON_LINE = "ERROR_INVALID_JSON_LINE"
    NO_LABEL_ATTRIBUTES = "ERROR_NO_LABEL_ATTRIBUTES"
    INVALID_LABEL = "ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT"
    INVALID_METADATA = "ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT"
    UNSUPPORTED_TYPE = "ERROR_UNSUPPORTED_USE_CASE_TYPE"
    MISSING_CLASS_MAP_ID = "ERROR_MISSING_CLASS_MAP_ID"
    MISSING_CONFIDENCE = "ERROR_MISSING_BOUNDING_BOX_CONFIDENCE"
    INVALID_CLASS_NAME = "ERROR_INVALID_LABEL_NAME_LENGTH"
    INVALID_IMAGE = ImageFault.INVALID.value
    INVALID_IMAGE_SIZE = "ERROR_INVALID_IMAGE_DIMENSION"
    INVALID_BOX = "ERROR_INVALID_BOUNDING_BOX"
    BOX_TOO_SMALL = "ERROR_BOUNDING_BOX_TOO_SMALL"
    EMPTY_MANIFEST = "ERROR_EMPTY_MANIFEST"
    NO_USABLE_LABELS = "ERROR_MANIFEST_TOO_FEW_USABLE_LABELS"
    UNLABELLED = "WARNING_UNANNOTATED_RECORD"
    # our own
    LABELLING_FAILED = "ERROR_LABELLING_FAILED"
    CLASS_NOT_CONFIGURED = "ERROR_CLASS_NOT_CONFIGURED"
    DUPLICATE_SOURCE_REF = "ERROR_DUPLICATE_SOURCE_REF"
    DUPLICATE_KEY = "ERROR_DUPLICATE_KEY"
    LINE_TOO_LONG = "ERROR_LINE_TOO_LONG"
    IMAGE_MISSING = ImageFault.MISSING.value
    IMAGE_FORBIDDEN = ImageFault.FORBIDDEN.value
    IMAGE_TOO_LARGE = ImageFault.TOO_LARGE.value
    IMAGE_SIZE_DIFFERS = ImageFault.SIZE_DIFFERS.value
    IMAGE_CHANNELS = ImageFault.CHANNELS.value
    LONG_LINE = "WARNING_LONG_LINE"
    LONG_ATTRIBUTE = "WARNING_LONG_ATTRIBUTE"
    BOX_CLIPPED = "WARNING_BOX_CLIPPED"
    TEXT_CLASS_ID = "WARNING_CLASS_ID_IS_TEXT"
    IMAGE_EXIF_ROTATED = ImageFault.EXIF_ROTATED.value
    NO_CONFIDENCES = "WARNING_NO_CONFIDENCES"
    SIMILAR_CLASS_NAMES = "WARNING_SIMILAR_CLASS_NAMES"
    CLASS_MAPS_DIFFER = "WARNING_CLASS_MAPS_DIFFER"
    UNUSED_CLASS = "WARNING_UNUSED_CLASS"
    FEW_EXAMPLES = "WARNING_CLASS_WITH_FEW_EXAMPLES"
    CLASS_IMBALANCE = "WARNING_CLASS_IMBALANCE"
    TINY_BOXES = "WARNING_TINY_BOXES"
    CLASS_MISSES_SPLIT = "WARNING_CLASS_MISSES_SPLIT"
    IMAGE_IN_SEVERAL_MANIFESTS = "WARNING_IMAGE_IN_SEVERAL_MANIFESTS"
    SEVERAL_BUCKETS = "WARNING_IMAGES_IN_SEVERAL_BUCKETS"

    @property
    def severity(self) -> Severity:
        """Return the severity, which the code decides."""
        return Severity.WARNING if self.value.startswith("WARNING_") else Severity.ERROR


@dataclass(frozen=True, slots=True)
class LabelFinding:
    """One fault or warning.

    Attributes:
        code: what kind it is.
        message: what is wrong and what to do, one line.
        line: 1-based line number in the manifest; 0 when it concerns the whole manifest.
        source_ref: the image's S3 URI where it is known, else "".
    """

    code: LabelCode
    message: str
    line: int = 0
    source_ref: str = ""

    @property
    def severity(self) -> Severity:
        """Return the severity, which the code decides."""
        return self.code.severity


@dataclass(slots=True)
class Tally:
    """Counts findings by code and keeps the first few of each, so a log of any length of manifest stays short."""

    examples_kept: int = 3
    counts: dict[LabelCode, int] = field(default_factory=dict)
    examples: dict[LabelCode, list[LabelFinding]] = field(default_factory=dict)

    def add(self, findings: Iterable[LabelFinding]) -> None:
        """Count findings, and keep the first of each code."""
        for finding in findings:
            seen = self.counts.get(finding.code, 0)
            self.counts[finding.code] = seen + 1
            if seen < self.examples_kept:
                self.examples.setdefault(finding.code, []).append(finding)

    def join(self, other: Tally) -> None:
        """Add the findings of another tally, behind these."""
        for code, count in other.counts.items():
            self.counts[code] = self.counts.get(code, 0) + count
            examples = self.examples.setdefault(code, [])
            examples += other.examples[code][: self.examples_kept - len(examples)]

    def by_code(self) -> dict[str, int]:
        """Return counts keyed by code, most frequent first, equal counts by name."""
        return {code.value: n for code, n in sorted(self.counts.items(), key=lambda item: (-item[1], item[0].value))}

    def in_words(self) -> str:
        """Return `CODE 3, OTHER_CODE 1`, or `no findings`."""
        return ", ".join(f"{code} {n}" for code, n in self.by_code().items()) or "no findings"
