"""All that reads the damaged files, by kind of reader."""

from __future__ import annotations

from benchmarks.fuzz import definition_readers, file_readers, label_readers, model_readers
from benchmarks.fuzz.reader import Target

TARGETS: tuple[Target, ...] = (
    *label_readers.TARGETS,
    *model_readers.TARGETS,
    *definition_readers.TARGETS,
    *file_readers.TARGETS,
)
