"""What a training job leaves in `model.tar.gz`, read without trusting it."""

from __future__ import annotations

import hashlib
import json
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from groundloop.errors import UserError
from groundloop.escaping import escaped

HYPERPARAMETERS_FILE = "hyperparams.json"
#: Of the built-in algorithm.
SYMBOL_FILE = "model_algo_1-symbol.json"
PARAMS_FILE = "model_algo_1-0000.params"
#: Of the offline stand-in.
STAND_IN_FILE = "groundloop-stand-in-weights.npz"
#: A ResNet-50 model has 106 MiB of weights: more than these is not a model of the algorithm.
MAX_BYTES = {HYPERPARAMETERS_FILE: 2**20, SYMBOL_FILE: 2**24, PARAMS_FILE: 2**30, STAND_IN_FILE: 2**28}
_MAX_MEMBERS = 1000
_PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".joblib")
_DAMAGED = (tarfile.TarError, OSError, EOFError, ValueError, KeyError, zlib.error, RecursionError)


@dataclass(frozen=True)
class ModelArchive:
    """The files of a model.

    Attributes:
        name: what messages call the archive.
        sha256: of the archive's bytes, or of the weights where there is no archive, in hexadecimal.
        files: contents of the files that conversion needs, by name.
        hyperparameters: content of hyperparams.json.
    """

    name: str
    sha256: str
    files: dict[str, bytes]
    hyperparameters: dict[str, str]

    @property
    def is_stand_in(self) -> bool:
        """Whether the offline stand-in trained it."""
        return STAND_IN_FILE in self.files

    def number(self, name: str) -> int:
        """Return a hyperparameter that is a whole number.

        Raises:
            UserError: it is missing or something else.
        """
        text = self.hyperparameters.get(name, "")
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise UserError(f"{self.name}: {name} in {HYPERPARAMETERS_FILE} is {text!r}, a whole number is needed")
        return int(text)


def read_model_archive(path: Path) -> ModelArchive:
    """Read the files of a `model.tar.gz`, in memory and within bounds; nothing is unpacked to the disk.

    Raises:
        UserError: it can't be read, is not such an archive, or holds a file that is larger than any of the algorithm's.
    """
    try:
        with path.open("rb") as stream:
            sha256 = _sha256(stream)
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}") from None
    try:
        files = _files(path)
    except _DAMAGED as error:
        raise UserError(f"{path} can't be read as a model.tar.gz: {escaped(str(error))}") from None
    if HYPERPARAMETERS_FILE not in files or not {SYMBOL_FILE, STAND_IN_FILE} & files.keys():
        raise UserError(
            f"{path} is not a model of the built-in Object Detection algorithm: it needs {HYPERPARAMETERS_FILE}, "
            f"{SYMBOL_FILE} and {PARAMS_FILE}"
        )
    if STAND_IN_FILE not in files and PARAMS_FILE not in files:
        raise UserError(f"{path} has no {PARAMS_FILE}: the training job ended before it saved its weights")
    return ModelArchive(str(path), sha256, files, _hyperparameters(path, files[HYPERPARAMETERS_FILE]))


def read_model_folder(folder: Path) -> ModelArchive:
    """Read the files of a model that a job of the offline AWS left in its folder; the digest is that of the weights.

    Raises:
        UserError: the folder holds no model of the stand-in.
    """
    files = {}
    for name in (HYPERPARAMETERS_FILE, STAND_IN_FILE):
        try:
            files[name] = (folder / name).read_bytes()
        except OSError as error:
            raise UserError(f"{folder / name}: can't be read: {error.strerror}") from None
    sha256 = hashlib.sha256(files[STAND_IN_FILE]).hexdigest()
    return ModelArchive(str(folder), sha256, files, _hyperparameters(folder, files[HYPERPARAMETERS_FILE]))


def _sha256(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := stream.read(2**20):
        digest.update(chunk)
    return digest.hexdigest()


def _files(path: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    with tarfile.open(path, mode="r:gz") as tar:
        for number, member in enumerate(tar, start=1):
            if number > _MAX_MEMBERS:
                raise UserError(f"{path} holds more than {_MAX_MEMBERS} files: it is not a model of the algorithm")
            name = member.name.removeprefix("./")
            if name.lower().endswith(_PICKLES):
                raise UserError(
                    f"{path} holds {name!r}, a pickle, which can run any code when it is read: it is rejected"
                )
            if member.isfile() and member.size > max(MAX_BYTES.values()):
                raise UserError(f"{path}: {name!r} would have {member.size:,} bytes: no file of a model has")
            if name not in MAX_BYTES or not member.isfile():
                continue
            if member.size > MAX_BYTES[name]:
                raise UserError(f"{path}: {name} has {member.size:,} bytes, at most {MAX_BYTES[name]:,} are read")
            stream = tar.extractfile(member)
            files[name] = b"" if stream is None else stream.read()
    return files


def _hyperparameters(path: Path, content: bytes) -> dict[str, str]:
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: {HYPERPARAMETERS_FILE} is not JSON: {escaped(str(error))}") from None
    if not isinstance(values, dict):
        raise UserError(f"{path}: {HYPERPARAMETERS_FILE} holds no object")
    return {name: str(value) for name, value in values.items()}
