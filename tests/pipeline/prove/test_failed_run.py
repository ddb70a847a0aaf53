"""A run of the whole pipeline whose training fails: what the service said, and nothing on what came not so far."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from groundloop.local import ImageStandIn, LocalAws
from tests.pipeline.prove.conftest import Prove, left_over

_REFUSE = "import pathlib, sys; pathlib.Path(sys.argv[1], 'output/failure').write_text('no CUDA device'); sys.exit(1)"


@pytest.fixture(scope="session")
def image_stand_ins() -> Mapping[str, ImageStandIn]:
    """The algorithm, which never trains."""
    return {"/object-detection:": ImageStandIn(train=[sys.executable, "-c", _REFUSE, "{opt_ml}"])}


def test_the_failed_step_breaks_its_assumption_with_the_services_words(
    aws: LocalAws, prove: Prove, tmp_path: Path
) -> None:
    ran = prove("--run", "small", "--yes", "--only", "pipeline-run", "--only", "isolation")
    assert ran.code == 1
    assert "broke: 1" in ran.out
    entries = json.loads((tmp_path / "proof" / "proof.json").read_text(encoding="utf-8"))["assumptions"]
    by_id = {entry["id"]: entry for entry in entries}
    training = by_id["run-training"]
    assert (training["outcome"], training["text"]) == ("broke", "Train failed")
    assert "no CUDA device" in training["aws_says"]
    assert by_id["run-processing-image"]["outcome"] == "held"
    assert by_id["run-hyperparameters"]["outcome"] == "held", "the job was made, so its hyperparameters are known"
    for name in ("run-transform", "run-evaluation", "run-gate", "run-register"):
        assert (by_id[name]["outcome"], by_id[name]["text"].split(" before")[0]) == ("not tried", "Train failed")
    assert "it needs the model of the trial pipeline-run" in by_id["training-isolated"]["text"]
    report = (tmp_path / "proof" / "proof.md").read_text(encoding="utf-8")
    broke, _ = report.split("## Held")
    assert "### `run-training`" in broke
    assert "- AWS says:" in broke
    assert "no CUDA device" in broke
    assert left_over() == {}
