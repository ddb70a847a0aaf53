"""The detector of ONNX files: damaged files and files of others end in one line, and it imports little."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

onnx = pytest.importorskip("onnx", reason="the export extra is not installed")

from groundloop.errors import UserError  # noqa: E402
from groundloop.portable.onnx_detector import OnnxDetector  # noqa: E402


def _without_metadata(model: Any) -> None:
    del model.metadata_props[:]


def _metadata(text: str) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        model.metadata_props[0].value = text

    return change


def _replaced(old: str, new: str) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        assert old in model.metadata_props[0].value
        model.metadata_props[0].value = model.metadata_props[0].value.replace(old, new)

    return change


def _outside(model: Any) -> None:
    """Name a file of the system as the place of the weights."""
    weights = model.graph.initializer[-1]
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../../../../../../etc/passwd")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(_without_metadata, "was not written by groundloop export-model", id="of somebody else"),
        pytest.param(_metadata("{"), "its metadata can't be read", id="metadata cut off"),
        pytest.param(_metadata("[" * 100_000), "its metadata can't be read", id="metadata too deep"),
        pytest.param(_replaced('"side":160', '"side":1000000000'), "can't be right: 3 classes", id="a huge input"),
        pytest.param(_replaced('"side":160', '"side":96'), "its graph is not the one", id="another input"),
        pytest.param(
            _replaced('"nut","washer"', '"nut","washer","pin"'), "its graph is not the one", id="another class list"
        ),
        pytest.param(_replaced('"heat-map"', '"rows"'), "its graph is not the one", id="another decoder"),
        pytest.param(_outside, "can't be run as an ONNX file", id="weights outside of the file"),
    ],
)
def test_files_of_others_are_rejected(
    exported_model: Path, change: Callable[[Any], None], message: str, tmp_path: Path
) -> None:
    model = onnx.load(exported_model)
    change(model)
    path = tmp_path / "other.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(UserError) as caught:
        OnnxDetector(path, threads=1)
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_damaged_files_end_in_one_line(exported_model: Path, tmp_path: Path) -> None:
    content = exported_model.read_bytes()
    rng = np.random.default_rng(1)
    path = tmp_path / "damaged.onnx"
    pixels = np.zeros((1, 3, 160, 160), np.float32)
    rejected = 0
    for number in range(30):
        damaged = bytearray(content)
        if number % 3 == 0:
            damaged = damaged[: rng.integers(0, len(damaged))]
        else:
            # The head has the nodes, the tail the names and the metadata; between them are weights.
            for place in (*rng.integers(0, 400, 2), *rng.integers(len(damaged) - 1500, len(damaged), 4)):
                damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        message = _error_of(path, pixels)
        rejected += message != ""
        assert len(message.splitlines()) <= 1
    assert rejected > 10


def _error_of(path: Path, pixels: NDArray[np.float32]) -> str:
    """Return what a file is rejected with; empty for one that runs."""
    try:
        OnnxDetector(path, threads=1).detections(pixels)
    except UserError as error:
        return str(error)
    return ""


def test_running_a_model_imports_little() -> None:
    """A device installs the `onnx` extra only, and starts at once."""
    code = (
        "import sys; import groundloop.portable.onnx_detector, groundloop.serving.serve; "
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    imported = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "numpy" in imported
    assert not {"boto3", "botocore", "pydantic", "typer", "rich", "sagemaker", "moto", "onnx"} & set(imported)
