"""Archives that nobody vouches for: whatever is wrong with one is the job's error, and nothing leaves the folder."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from groundloop.local.archive import unpack
from groundloop.local.detector.artifact import load_archive
from groundloop.local.detector.errors import StandInError
from groundloop.local.errors import JobError


def archive(folder: Path, kind: bytes, name: str, target: str) -> Path:
    path = folder / "model.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, target
        tar.addfile(entry, io.BytesIO())
    return path


@pytest.mark.parametrize(
    ("kind", "name", "target"),
    [
        pytest.param(tarfile.LNKTYPE, "a", "a", id="link to itself"),
        pytest.param(tarfile.LNKTYPE, "a", "missing", id="link to nothing"),
        pytest.param(tarfile.SYMTYPE, "a", "../../x", id="link out of the folder"),
        pytest.param(tarfile.REGTYPE, "../x", "", id="file out of the folder"),
        pytest.param(tarfile.REGTYPE, "x" * 5_000, "", id="name that no disk takes"),
        pytest.param(tarfile.CHRTYPE, "a", "", id="device"),
    ],
)
def test_an_entry_that_cannot_be_unpacked(kind: bytes, name: str, target: str, tmp_path: Path) -> None:
    path = archive(tmp_path, kind, name, target)
    with pytest.raises(JobError, match="model can't be unpacked"):
        unpack(path, tmp_path / "out", "model")
    with pytest.raises(StandInError):
        load_archive(path)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("keep", [0, 1, 20, 60], ids="{} bytes".format)
def test_an_archive_that_is_cut_off(keep: int, tmp_path: Path) -> None:
    path = archive(tmp_path, tarfile.REGTYPE, "a", "")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(JobError, match="model can't be unpacked"):
        unpack(path, tmp_path / "out", "model")
    with pytest.raises(StandInError, match=r"can't be unpacked as a model.tar.gz"):
        load_archive(path)
