"""The report of a proof: what broke comes first, with AWS's words unchanged."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.prove.proof import Proof, redactor, write
from pipeline.prove.trial import Trial
from pipeline.prove.verdict import Assumption, broke, held, not_tried
from tests.pipeline.prove.conftest import ACCOUNT, configured

HOLDS, BREAKS, WAITS = (
    Assumption(name, f"It {name}.", "It matters.", "By asking.", "A page") for name in ("holds", "breaks", "waits")
)
WORDS = "Value ```x``` at 'pipelineDefinition' failed\nto satisfy constraint"


def proof() -> Proof:
    trial = Trial("asked", (HOLDS, BREAKS, WAITS), (), lambda _: iter(()))
    made = Proof("us-east-1", False, 2.0, [(trial, assumption) for assumption in trial.assumptions], spent_usd=0.37)
    for verdict in (held(HOLDS, "seen"), broke(BREAKS, "refused", WORDS), not_tried(WAITS, "no quota", "limit of 0")):
        made.add(verdict)
    return made


def test_what_broke_comes_first() -> None:
    headings = [line for line in proof().as_markdown().splitlines() if line.startswith("#")]
    assert headings == [
        "# groundloop prove",
        "## Broke: AWS says otherwise", "### `breaks`",
        "## Held", "### `holds`",
        "## Not tried",
    ]  # fmt: skip


def test_the_services_words_stand_in_a_fence_of_their_own() -> None:
    assert f"````\n{WORDS}\n````" in proof().as_markdown()


def test_the_reader_learns_the_counts_the_cost_and_why_something_was_not_tried() -> None:
    text = proof().as_markdown()
    assert "1 held, 1 broke, 1 not tried; at most $0.37 spent." in text
    assert "- `waits`: no quota (AWS says: limit of 0)" in text


def test_programs_read_the_same(tmp_path: Path) -> None:
    write(proof(), tmp_path, redactor(configured(), ACCOUNT))
    content = json.loads((tmp_path / "proof.json").read_text(encoding="utf-8"))
    assert content["counts"] == {"held": 1, "broke": 1, "not tried": 1}
    assert content["offline"] is False
    assert [(entry["id"], entry["outcome"], entry["aws_says"]) for entry in content["assumptions"]] == [
        ("holds", "held", ""), ("breaks", "broke", WORDS), ("waits", "not tried", "limit of 0"),
    ]  # fmt: skip
