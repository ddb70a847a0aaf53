"""Who takes part, how each is run, and what each leaves out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from benchmarks.prepare.peers.task import ATTRIBUTE, SEED, TEST, VALIDATION

INSTALL = "make bench does it, or: .venv/bin/uv pip install -e '.[bench]' (needs Python 3.11)"

_JOB = "import sys; from steps.prepare.job import main; sys.exit(main(sys.argv[1:]))"
# What groundloop calls the faults of the made-up manifest.
_CODES = {
    "ERROR_INVALID_JSON_LINE": "bad_json",
    "ERROR_INVALID_IMAGE_DIMENSION": "bad_image_size",
    "ERROR_INVALID_BOUNDING_BOX": "box_outside",
    "ERROR_DUPLICATE_SOURCE_REF": "duplicate",
    "ERROR_DUPLICATE_KEY": "duplicate_key",
    "ERROR_LABELLING_FAILED": "failure_reason",
    "WARNING_UNANNOTATED_RECORD": "missing_label",
    "ERROR_MISSING_BOUNDING_BOX_CONFIDENCE": "objects_mismatch",
    "ERROR_MISSING_CLASS_MAP_ID": "unknown_class",
    "ERROR_BOUNDING_BOX_TOO_SMALL": "zero_area",
}


@dataclass(frozen=True)
class Candidate:
    """One row of the table.

    Attributes:
        command: without the paths of manifest and output folder.
        needs: the package that it cannot do without; "" when all it needs is there.
        codes: the kind of fault by its own name for it.
        unseen: kinds of faults that it does not look for; such lines land in its splits.
        aborts_on: a kind of fault that it cannot read past; it is given a manifest without such lines.
        own_split: it puts images into splits by another hash.
        note: what else it does otherwise.
    """

    name: str
    command: tuple[str, ...]
    note: str = ""
    needs: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    aborts_on: str = ""
    own_split: bool = False

    @property
    def installed(self) -> bool:
        """Return whether the package that the candidate needs is installed."""
        return not self.needs or find_spec(self.needs) is not None

    def full_command(self, manifest: Path, folder: Path) -> list[str]:
        """Return the command with the paths of manifest and output folder."""
        if self.command[0] != "-c":
            return [sys.executable, *self.command, str(manifest), str(folder)]
        outputs = ("--manifests-output", str(folder), "--report-output", str(folder))
        training_data = ("--training-data-output", str(folder / "training-data"))
        message = ("--message-file", str(folder / "message"))
        return [sys.executable, *self.command, "--manifest", str(manifest), *outputs, *training_data, *message]

    def differences(self) -> str:
        """Return what the candidate does otherwise than groundloop, in words."""
        parts = [f"does not see {', '.join(self.unseen)}"] if self.unseen else []
        parts += [f"given the manifest without {self.aborts_on}, which stops it"] if self.aborts_on else []
        parts += ["splits by a hash of its own"] if self.own_split else []
        return "; ".join([*parts, self.note] if self.note else parts)


def groundloop(processes: int) -> Candidate:
    """Return the product's own job as a candidate."""
    fractions = ("--validation-fraction", str(VALIDATION), "--test-fraction", str(TEST), "--split-seed", str(SEED))
    settings = ("--label-attribute", ATTRIBUTE, "--check-images", "none", "--processes", str(processes))
    plural = "es" if processes > 1 else ""
    return Candidate(f"groundloop, {processes} process{plural}", ("-c", _JOB, *settings, *fractions), codes=_CODES)


def _peer(program: str) -> tuple[str, ...]:
    return ("-m", f"benchmarks.prepare.peers.{program}")


ONE, TWO = groundloop(1), groundloop(2)
STDLIB = Candidate("stdlib json", (*_peer("stdlib_json"), "--duplicate-keys"), "all lines in memory")
STDLIB_LESS = Candidate(
    "stdlib json, no key check", _peer("stdlib_json"), "all lines in memory", unseen=("duplicate_key",)
)
PANDAS = Candidate(
    "pandas, row by row",
    _peer("pandas_rows"),
    "all lines in memory",
    "pandas",
    unseen=("duplicate_key",),
    aborts_on="bad_json",
)
PANDAS_COLUMNS = Candidate(
    "pandas, by columns",
    _peer("pandas_frames"),
    "all lines in memory",
    "pandas",
    unseen=("duplicate_key",),
    aborts_on="bad_json",
)
DUCKDB = Candidate(
    "DuckDB",
    _peer("duckdb_sql"),
    "all lines in memory, all processors; keeps only the fields of its schema and writes 5 as 5.0",
    "duckdb",
    unseen=("duplicate_key",),
    own_split=True,
)
CANDIDATES = (ONE, TWO, STDLIB, STDLIB_LESS, PANDAS, PANDAS_COLUMNS, DUCKDB)
EXTRAS = (
    "groundloop alone also checks for clipped and tiny boxes and for odd types, keeps number text and unknown fields "
    "byte for byte, writes predict-images.json, summary.json with class balance and advice, and a fingerprint"
)
