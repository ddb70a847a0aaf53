"""`groundloop export-model`: what it writes, and one line for each mistake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.cli import Groundloop
from tests.fixtures.mxnet_files import algorithm_files, vgg_16, write_archive

pytest.importorskip("onnx", reason="the export extra is not installed")

SIDE = 300


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model.tar.gz of a thin VGG-16."""
    files = algorithm_files(vgg_16(2, training=True, thin=32), side=SIDE, base_network="vgg-16")
    return write_archive(tmp_path_factory.mktemp("model") / "model.tar.gz", files)


def test_a_file_with_everything_inside_is_written(archive: Path, groundloop: Groundloop, tmp_path: Path) -> None:
    path = tmp_path / "new" / "detector.onnx"
    result = groundloop("export-model", str(archive), "-o", str(path), "--classes", "bolt,nut", "--json")
    assert result.code == 0, result.err
    assert result.json["file"] == str(path)
    assert result.json["mean"] == [123, 117, 104]
    assert (result.json["classes"], result.json["side"]) == (["bolt", "nut"], SIDE)
    assert result.json["model_package"] is None
    assert path.stat().st_size > 0
    again = groundloop("export-model", str(archive), "-o", str(path), "--classes", "bolt,nut")
    assert again.error == f"{path} exists already: choose another name with --output, or remove it"


def test_what_the_graph_subtracts_is_said(archive: Path, groundloop: Groundloop, tmp_path: Path) -> None:
    path = tmp_path / "d.onnx"
    result = groundloop(
        "export-model", str(archive), "-o", str(path), "--classes", "bolt,nut", "--mean", "0,0,0", "--with-nms"
    )
    assert result.out.splitlines()[1:] == [
        "input    data: 1 x 3 x 300 x 300, RGB from 0 to 255",
        "classes  bolt, nut",
        "mean     nothing is subtracted; AWS does not publish what its image does (--mean)",
    ]
    assert result.err == "note: no operating thresholds are known; a version of the registry has them\n"


Arguments = Callable[[Path], list[object]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(lambda archive: [archive], "holds no class names: give them", id="no classes"),
        pytest.param(
            lambda archive: [archive, "--classes", "bolt"],
            "was trained on 2 classes, and 1 names are given",
            id="other classes",
        ),
        pytest.param(lambda archive: ["none.tar.gz"], "there is no such file or folder", id="no file"),
        pytest.param(
            lambda archive: [archive.parent], "is not the folder of a local run", id="a folder of something else"
        ),
        pytest.param(
            lambda archive: [archive, "--classes", "bolt,nut", "--mean", "1,2"], "three numbers are needed", id="mean"
        ),
        pytest.param(
            lambda archive: [archive.parent, "--classes", "bolt,nut"], "--classes is for a model.tar.gz", id="too much"
        ),
    ],
)
def test_mistakes_are_one_line(
    arguments: Arguments,
    message: str,
    archive: Path,
    groundloop: Groundloop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = groundloop("export-model", *map(str, arguments(archive)))
    assert result.code == 1
    assert message in result.error
    assert len(result.err.splitlines()) == 1
    assert not list(tmp_path.iterdir())
