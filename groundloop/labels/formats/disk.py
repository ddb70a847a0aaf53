"""Reading input with clear errors; writing output that replaces nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from groundloop.errors import UserError

T = TypeVar("T")

_BOM = b"\xef\xbb\xbf"


def read_bytes(path: Path) -> bytes:
    """Read a file.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None


def read_text(path: Path) -> str:
    """Read a UTF-8 file, with or without byte order mark, line ends as they are.

    Raises:
        UserError: the file cannot be read, or is not UTF-8.
    """
    return decode_text(path, read_bytes(path))


def decode_text(where: Path | str, data: bytes) -> str:
    """Decode the content of a UTF-8 file, with or without byte order mark.

    Raises:
        UserError: it is not UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{where}: not UTF-8 at byte {error.start + 1}: save it as UTF-8") from None


def read_json(path: Path, shape: type[T]) -> T:
    """Read a JSON file of a known shape.

    Raises:
        UserError: it is not JSON, or something in it is missing or of the wrong type.
    """
    return decode_json(path, read_bytes(path), shape)


def decode_json(where: Path | str, data: bytes | msgspec.Raw, shape: type[T]) -> T:
    """Decode JSON of a known shape, with or without byte order mark.

    Raises:
        UserError: it is not JSON, or something in it is missing or of the wrong type.
    """
    try:
        return msgspec.json.decode(bytes(data).removeprefix(_BOM), type=shape)
    except msgspec.ValidationError as error:
        raise UserError(f"{where}: {str(error)[:1].lower()}{str(error)[1:]}: correct it there") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"{where}: not JSON: {error}") from None


def keys_of(data: bytes | msgspec.Raw) -> set[str]:
    """Return the keys of a JSON object, with or without byte order mark; none when it is something else."""
    try:
        return set(msgspec.json.decode(bytes(data).removeprefix(_BOM), type=dict[str, msgspec.Raw]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return set()


def read_class_names(path: Path) -> list[str]:
    """Read class names, one per line, in the order of their ids."""
    text = read_text(path).replace("\r\n", "\n").rstrip("\n")
    return text.split("\n") if text else []


def class_names_text(classes: tuple[str, ...]) -> str:
    """Return the content of a file that `read_class_names` reads.

    Raises:
        UserError: a name has a line end in it.
    """
    for name in classes:
        if "\n" in name or "\r" in name or name.startswith("\ufeff"):
            raise UserError(f"the class name {name!r} does not fit on a line of a list of classes: rename the class")
    return "".join(f"{name}\n" for name in classes)


def check_free(path: Path) -> None:
    """Check that there is nothing at the path that writing would replace or mix with.

    Raises:
        UserError: there is.
    """
    if path.is_dir():
        if any(path.iterdir()):
            raise UserError(f"{path} is not empty, and nothing is overwritten: give another path, or empty it")
    elif path.is_symlink() or (path.exists() and (not path.is_file() or path.stat().st_size)):
        raise UserError(f"{path} exists already, and nothing is overwritten: give another path, or remove it")


def write_file(path: Path, content: bytes) -> None:
    """Write one new file, and the folders above it.

    Raises:
        UserError: it exists with something in it, or cannot be written.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder: give the name of the file to write")
    check_free(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None


def copy_file(source: Path, target: BinaryIO) -> None:
    """Copy a file as it is."""
    with source.open("rb") as origin:
        shutil.copyfileobj(origin, target)


def write_folder(
    folder: Path,
    files: Mapping[str, bytes],
    copies: Mapping[str, Path],
    copy: Callable[[Path, BinaryIO], None] = copy_file,
) -> None:
    """Write a new folder.

    Args:
        files: content by name below the folder.
        copies: files to copy, by name below the folder.
        copy: copies one of them.

    Raises:
        UserError: the folder has something in it, or cannot be written.
    """
    check_free(folder)
    if folder.is_file():
        raise UserError(f"{folder} is a file: give the name of the folder to write")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            file = _parent_made(folder / name)
            with file.open("xb") as stream:
                stream.write(content)
        for name, source in copies.items():
            file = _parent_made(folder / name)
            with file.open("xb") as stream:
                copy(source, stream)
    except FileExistsError as error:
        # Where file names differ in case only and the disk takes them for the same.
        raise UserError(
            f"{error.filename} would be written twice: rename one of the images, in more than upper and lower case"
        ) from None
    except OSError as error:
        raise UserError(f"{error.filename or folder} cannot be written: {error.strerror}") from None


def _parent_made(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file
