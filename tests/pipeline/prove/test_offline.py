"""The whole proof against the offline AWS: every assumption tried, nothing left, and no claim on AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from groundloop.local import LocalAws
from pipeline.cli.main import app
from pipeline.prove.catalogue import TRIALS
from pipeline.prove.proof import OFFLINE_NOTE
from tests.pipeline.prove.conftest import ACCOUNT, BUCKET, LOCAL, VPC, left_over


@pytest.fixture(scope="module")
def folder(aws: LocalAws, printed_role: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run everything once; the folder with the proof."""
    output = tmp_path_factory.mktemp("proof")
    given = ["--run", "small", "--yes", "--output", str(output), "-c", str(LOCAL), "-s", VPC]
    ran = CliRunner().invoke(app, ["prove", *given])
    assert OFFLINE_NOTE in ran.output
    return output


@pytest.fixture(scope="module")
def proof(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "proof.json").read_text(encoding="utf-8"))
    return content


def test_every_assumption_holds_there_that_the_offline_aws_can_play(proof: dict[str, Any]) -> None:
    assert {item["id"]: item["text"] for item in proof["assumptions"] if item["outcome"] != "held"} == {
        assumption.id: trial.only_aws or trial.by_hand
        for trial in TRIALS
        for assumption in trial.assumptions
        if trial.only_aws or trial.by_hand
    }


def test_the_report_says_that_it_proves_nothing_of_aws(folder: Path, proof: dict[str, Any]) -> None:
    assert proof["offline"] is True
    assert OFFLINE_NOTE in (folder / "proof.md").read_text(encoding="utf-8")


def test_nothing_is_left_behind(folder: Path) -> None:
    assert left_over() == {}
    assert '"removed"' in (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines()[-1]


@pytest.mark.parametrize("file", ["proof.json", "proof.md"])
def test_the_account_is_not_named(folder: Path, file: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert ACCOUNT not in text
    assert BUCKET not in text


def test_the_offline_aws_bills_nothing(proof: dict[str, Any]) -> None:
    assert proof["spent_usd_at_most"] == 0
