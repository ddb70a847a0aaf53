"""model.tar.gz: deterministic, flat, and never outside its folder."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from groundloop.local.archive import pack, unpack
from groundloop.local.errors import JobError


def tar_of(path: Path, name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> Path:
    with tarfile.open(path, "w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname, entry.size = kind, link, 4 if kind == tarfile.REGTYPE else 0
        tar.addfile(entry, io.BytesIO(b"evil"))
    return path


def test_files_come_back_without_a_top_folder(tmp_path: Path) -> None:
    (tmp_path / "model" / "sub").mkdir(parents=True)
    (tmp_path / "model" / "weights").write_bytes(b"\x00\x01")
    (tmp_path / "model" / "sub" / "more").write_text("more")
    pack(tmp_path / "model", tmp_path / "a.tar.gz")
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        assert tar.getnames() == ["sub/more", "weights"]
    unpack(tmp_path / "a.tar.gz", tmp_path / "back", "a.tar.gz")
    assert (tmp_path / "back" / "weights").read_bytes() == b"\x00\x01"
    assert (tmp_path / "back" / "sub" / "more").read_text() == "more"


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_text("w")
        pack(tmp_path / name, tmp_path / f"{name}.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()


@pytest.mark.parametrize(
    ("name", "kind", "link"),
    [
        pytest.param("../evil", tarfile.REGTYPE, "", id="a name that climbs out"),
        pytest.param("link", tarfile.SYMTYPE, "/etc/passwd", id="a link out of the folder"),
        pytest.param("link", tarfile.LNKTYPE, "../../evil", id="a hard link out of the folder"),
        pytest.param("device", tarfile.CHRTYPE, "", id="a device"),
    ],
)
def test_an_entry_that_leaves_the_folder_is_refused(tmp_path: Path, name: str, kind: bytes, link: str) -> None:
    archive = tar_of(tmp_path / "bad.tar.gz", name, kind, link)
    (tmp_path / "in").mkdir()
    with pytest.raises(JobError, match=r"s3://b/bad\.tar\.gz can't be unpacked"):
        unpack(archive, tmp_path / "in", "s3://b/bad.tar.gz")
    assert not (tmp_path / "evil").exists()


def test_an_absolute_name_lands_inside(tmp_path: Path) -> None:
    unpack(tar_of(tmp_path / "a.tar.gz", "/evil"), tmp_path / "in", "a.tar.gz")
    assert (tmp_path / "in" / "evil").exists()


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(b"not an archive")
    with pytest.raises(JobError, match="can't be unpacked"):
        unpack(tmp_path / "a.tar.gz", tmp_path, "a.tar.gz")
