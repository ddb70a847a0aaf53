"""What Prepare writes: the split manifests, Batch Transform's list of images, the summary, the rejected lines."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path
from typing import Any

import msgspec

from groundloop.errors import UserError
from groundloop.labels.findings import LabelFinding, Severity
from groundloop.labels.records import Line


def write_predict_images(path: Path, source_refs: Iterable[str], buckets: set[str], first: str, last: str) -> None:
    """Write Batch Transform's ManifestFile: `[{"prefix": "s3://bucket/folder/"}, "a.jpg", ...]`.

    Args:
        source_refs: URIs of the images.
        buckets: where they lie.
        first, last: the first and the last URI in alphabetical order.

    Raises:
        UserError: the images lie in several buckets, which one prefix cannot say.
    """
    if len(buckets) > 1:
        raise UserError(
            f"the images to predict lie in {len(buckets)} buckets ({', '.join(sorted(buckets))}), but Batch "
            "Transform's ManifestFile takes one prefix: copy the images into one bucket and correct the source-refs"
        )
    # What the first and the last in order share at the start, all share.
    pairs = zip(first, last, strict=False)
    common = "".join(left for left, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    prefix = common[: common.rindex("/") + 1]
    with path.open("wb") as stream:
        stream.write(b"[\n  " + msgspec.json.encode({"prefix": prefix}))
        for source_ref in source_refs:
            stream.write(b",\n  " + msgspec.json.encode(source_ref.removeprefix(prefix)))
        stream.write(b"\n]\n")


def decisive_finding(line: Line) -> LabelFinding:
    """Return the finding that rejected a line: warnings may come first, but an error decides where there is one."""
    return max(line.findings, key=lambda finding: finding.severity is Severity.ERROR)


def rejected_entry(line: Line, source: str) -> bytes:
    """Return the entry of rejected.jsonl for a line that has an error or no labels.

    `text` is the line as it was; a line that is not UTF-8 stands as `base64` instead. `reasons` holds all findings of
    the line, the decisive one also as `code` and `reason`.

    Args:
        source: the manifest's name.
    """
    decisive = decisive_finding(line)
    entry: dict[str, Any] = {
        "source": source,
        "line": line.number,
        "status": line.status.value,
        "code": decisive.code.value,
        "reason": decisive.message,
        "source_ref": decisive.source_ref,
        "reasons": [{"code": finding.code.value, "reason": finding.message} for finding in line.findings],
    }
    try:
        entry["text"] = line.raw.decode()
    except UnicodeDecodeError:
        entry["base64"] = base64.b64encode(line.raw).decode()
    return msgspec.json.encode(entry) + b"\n"


def write_json(path: Path, value: Any) -> None:
    """Write JSON, indented, in UTF-8, with a final newline."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
