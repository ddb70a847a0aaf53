"""The examples' configurations load, their definitions pass the checker, and the commands on labels run as written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import groundloop
from pipeline.cli.main import app
from pipeline.config import load_config
from pipeline.demo.synthetic_images import write_dataset

ROOT = Path(__file__).parents[2]
OVERLAYS = {
    "own labels": [ROOT / "configs" / "local.yaml", ROOT / "examples" / "own_labels" / "config.yaml"],
    "real account": [ROOT / "examples" / "real_account" / "config.yaml"],
}


@pytest.mark.parametrize("overlays", OVERLAYS.values(), ids=OVERLAYS.keys())
def test_the_definitions_have_no_findings(overlays: list[Path]) -> None:
    load_config(overlays, environment={})  # says in one line what is wrong, before the slower check
    arguments = [word for overlay in overlays for word in ("--config", str(overlay))]
    done = CliRunner().invoke(app, ["check", "--json", *arguments])
    assert done.exception is None
    assert [pipeline["findings"] for pipeline in json.loads(done.stdout)["definitions"]] == [[], []]


def test_labels_of_another_tool_become_a_manifest_without_errors(tmp_path: Path) -> None:
    """The first two sections of examples/own_labels."""
    manifest = write_dataset(tmp_path / "rendered", images=12, bucket="any")
    photos, dataset = tmp_path / "rendered" / "images", tmp_path / "dataset"
    groundloop.write_labels(groundloop.read_labels(manifest), dataset, "yolo", images=photos)
    converted, prefix = str(tmp_path / "output.manifest"), "s3://groundloop-local/images/"
    for command in (
        [
            "labels",
            "convert",
            str(dataset),
            converted,
            "--to",
            "groundtruth",
            "--images",
            str(photos),
            "--prefix",
            prefix,
        ],
        ["labels", "check", converted, "--images", str(photos)],
        ["labels", "stats", converted],
        ["labels", "show", converted, "--images", str(photos), "-o", str(tmp_path / "sheet.jpg")],
    ):
        done = CliRunner().invoke(app, command)
        assert (done.exit_code, done.exception) == (0, None), done.output
    assert (tmp_path / "sheet.jpg").stat().st_size > 0
