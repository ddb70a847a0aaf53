"""Archives of models are read within bounds, and what is no model of the algorithm is rejected by name."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import pickle
import tarfile
import zipfile
from pathlib import Path

import pytest

from groundloop.errors import UserError
from groundloop.portable import model_archive
from groundloop.portable.model_archive import read_model_archive
from tests.fixtures.mxnet_files import write_archive

FILES = {
    "hyperparams.json": json.dumps({"num_classes": "2", "image_shape": "512"}).encode(),
    "model_algo_1-symbol.json": b"{}",
    "model_algo_1-0000.params": b"weights",
}


def test_the_files_and_the_digest_are_read(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "model.tar.gz", {**FILES, "readme.txt": b"ignored"})
    archive = read_model_archive(path)
    assert archive.files == FILES
    assert archive.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert archive.number("image_shape") == 512
    assert not archive.is_stand_in


@pytest.mark.parametrize(
    ("files", "message"),
    [
        pytest.param({"model.pkl": pickle.dumps(1)}, "holds 'model.pkl', a pickle", id="a pickle"),
        pytest.param({**FILES, "extra/net.pth": b""}, "holds 'extra/net.pth', a pickle", id="a pickle among others"),
        pytest.param({}, "is not a model of the built-in Object Detection algorithm", id="empty"),
        pytest.param(
            {name: FILES[name] for name in list(FILES)[:2]},
            "has no model_algo_1-0000.params: the training job ended before it saved its weights",
            id="without weights",
        ),
        pytest.param({**FILES, "hyperparams.json": b"["}, "hyperparams.json is not JSON", id="damaged settings"),
        pytest.param({**FILES, "hyperparams.json": b"[]"}, "hyperparams.json holds no object", id="other settings"),
    ],
)
def test_other_archives_are_rejected(files: dict[str, bytes], message: str, tmp_path: Path) -> None:
    path = write_archive(tmp_path / "model.tar.gz", files)
    with pytest.raises(UserError) as caught:
        read_model_archive(path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"no archive", FILES["hyperparams.json"] * 10], ids=["empty", "short", "long"]
)
def test_what_is_no_archive_is_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.tar.gz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"can't be read as a model\.tar\.gz"):
        read_model_archive(path)


def test_a_cut_off_archive_is_one_line(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "model.tar.gz", FILES)
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(UserError, match="can't be read as a model"):
        read_model_archive(path)


def test_a_file_beyond_the_bound_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small archive can hold gigabytes of zeros."""
    monkeypatch.setitem(model_archive.MAX_BYTES, "model_algo_1-0000.params", 1000)
    path = write_archive(tmp_path / "model.tar.gz", {**FILES, "model_algo_1-0000.params": bytes(1001)})
    with pytest.raises(UserError, match=r"model_algo_1-0000\.params has 1,001 bytes, at most 1,000 are read"):
        read_model_archive(path)


def test_a_huge_stranger_ends_the_reading(tmp_path: Path) -> None:
    """Its header says what it would unpack to."""
    item = tarfile.TarInfo("video.mp4")
    item.size = 2**31
    path = tmp_path / "model.tar.gz"
    path.write_bytes(gzip.compress(item.tobuf() + bytes(10240)))
    with pytest.raises(UserError, match=r"'video\.mp4' would have 2,147,483,648 bytes"):
        read_model_archive(path)


@pytest.mark.parametrize("kind", ["bomb", "pickle", "garbage"])
def test_damaged_weights_of_the_stand_in_are_rejected(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx", reason="the onnx extra is not installed")
    from groundloop.portable.conversion import to_onnx

    monkeypatch.setitem(model_archive.MAX_BYTES, model_archive.STAND_IN_FILE, 2**20)
    content = io.BytesIO(b"garbage")
    if kind == "bomb":
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("w.npy", bytes(2**20 + 1))
    if kind == "pickle":
        content = io.BytesIO(pickle.dumps({"w": 1}))
    files = {"hyperparams.json": FILES["hyperparams.json"], model_archive.STAND_IN_FILE: content.getvalue()}
    archive = read_model_archive(write_archive(tmp_path / "model.tar.gz", files))
    message = {"bomb": "unpacks to more than any model", "pickle": "corrupted", "garbage": "corrupted"}[kind]
    with pytest.raises(UserError, match=message):
        to_onnx(archive, ["bolt", "nut"])
