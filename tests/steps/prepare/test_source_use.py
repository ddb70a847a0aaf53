"""How many lines of a source may be rejected."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundloop.errors import UserError
from groundloop.labels.findings import LabelCode
from groundloop.labels.records import LineStatus
from steps.prepare.source_use import SourceUse, check_rejected

Prepare = Callable[..., Any]
ManifestLine = Callable[..., dict[str, Any]]


def use(labelled: int, rejected: int, replaced: int = 0, **statuses: int) -> SourceUse:
    counts = Counter({LineStatus.LABELLED: labelled, LineStatus.REJECTED: rejected + replaced})
    counts.update({LineStatus(name): count for name, count in statuses.items()})
    reasons = Counter({LabelCode.IMAGE_MISSING: rejected, LabelCode.DUPLICATE_SOURCE_REF: replaced})
    return SourceUse("s3://b/new.manifest", counts, reasons)


@pytest.mark.parametrize(
    ("source", "share"),
    [
        pytest.param(use(9, 240), 240 / 249, id="new labels that are nearly all rejected"),
        pytest.param(use(80, 20, unlabelled=900, failed=9, blank=3), 0.2, id="lines without labels do not count"),
        pytest.param(use(30, 10, replaced=60), 0.1, id="a label that a later one replaces is not at fault"),
        pytest.param(use(0, 0), 0, id="a source without lines"),
    ],
)
def test_the_share_is_of_the_lines_with_labels(source: SourceUse, share: float) -> None:
    assert source.rejected_share == pytest.approx(share)


def test_each_source_is_checked_by_itself() -> None:
    check_rejected([use(5000, 1000)], 0.2)
    with pytest.raises(UserError) as raised:
        check_rejected([use(5000, 0), use(9, 240)], 0.2)
    assert str(raised.value) == (
        "240 of 249 lines with labels in s3://b/new.manifest are rejected, more than prepare.max_rejected, 0.2, "
        "allows: ERROR_IMAGE_MISSING 240; Prepare's log shows examples; correct the labels or images, or raise "
        "prepare.max_rejected"
    )


@pytest.fixture
def labels(manifest_line: ManifestLine) -> list[dict[str, Any] | bytes]:
    """Forty lines, of which the last ten are rejected."""
    good = [manifest_line(f"images/{n:03}.jpg", "nut") for n in range(30)]
    for bad in (outside := [manifest_line(f"images/outside-{n}.jpg", "nut") for n in range(7)]):
        bad["bb"]["annotations"][0]["left"] = 900
    return [*good, *outside, b"{", b"[]", b"{]"]


def test_the_job_fails_with_the_counts_by_reason(prepare: Prepare, labels: list[dict[str, Any] | bytes]) -> None:
    failed = prepare(labels, "--max-rejected=0.2")
    assert failed.code == 1
    assert failed.message.startswith(
        "10 of 40 lines with labels in s3://labels/job/output.manifest are rejected, more than prepare.max_rejected, "
        "0.2, allows: ERROR_INVALID_BOUNDING_BOX 7, ERROR_INVALID_JSON_LINE 3;"
    )


@pytest.mark.parametrize("limit", [["--max-rejected=0.25"], []], ids=["as many as allowed", "no limit"])
def test_otherwise_the_summary_has_the_counts_of_each_source(
    prepare: Prepare,
    labels: list[dict[str, Any] | bytes],
    manifest_line: ManifestLine,
    tmp_path: Path,
    limit: list[str],
) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "m.manifest").write_text(json.dumps(manifest_line("images/000.jpg", "nut")))
    more = ["--additional-source", str(tmp_path / "more"), "auto", "auto", "none", "s3://labels/m.manifest"]
    done = prepare(labels, *more, *limit)
    assert done.code == 0
    first, second = done.summary["sources"]
    assert first == {
        "name": "s3://labels/job/output.manifest",
        "read": 40,
        "used": 29,
        "rejected": 10,
        "reasons": {"ERROR_INVALID_BOUNDING_BOX": 7, "ERROR_INVALID_JSON_LINE": 3},
        "replaced": 1,
        "failed": 0,
        "unlabelled": 0,
    }
    assert (second["name"], second["read"], second["used"]) == ("s3://labels/m.manifest", 1, 1)
