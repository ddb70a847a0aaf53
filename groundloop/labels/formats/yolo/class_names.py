"""The list of classes of a YOLO folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from groundloop.errors import UserError
from groundloop.labels.formats.disk import read_class_names, read_text

FILES = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt")


def names_file(path: Path) -> Path | None:
    """Return the list of classes of a folder: the first of `FILES` there, or LabelImg's among its label files."""
    places = [*(path / name for name in FILES), path / "labels" / FILES[-1]]
    return next((file for file in places if file.is_file()), None)


def splits(file: Path) -> list[str]:
    """Return the splits that differ in a `data.yaml`, such as train and val; none when it has but one."""
    data = {} if file.suffix == ".txt" else _read_yaml(file)
    if not isinstance(data, dict):
        return []
    folders = {key: str(data[key]) for key in ("train", "val", "test") if data.get(key)}
    return list(folders) if len(set(folders.values())) > 1 else []


def dataset_folder(path: Path) -> Path:
    """Return the folder of a data set that is named by its `data.yaml`: the key `path`, else the file's own folder."""
    if path.is_dir():
        return path
    data = _read_yaml(path)
    named = data.get("path") if isinstance(data, dict) else None
    folder = path.parent / named if isinstance(named, str) else path.parent
    # Downloaded sets often name a folder of the machine that they were made on.
    return folder if folder.is_dir() else path.parent


def read_names(path: Path) -> dict[int, str]:
    """Return the class name by id, in the order of the ids.

    Raises:
        UserError: the folder has no list of classes, or one that cannot be read.
    """
    file = names_file(path) if path.is_dir() else path
    if file is None:
        raise UserError(f"{path}: holds no data.yaml with the names of the classes (nor classes.txt): add it")
    if file.suffix == ".txt":
        return dict(enumerate(read_class_names(file)))
    data = _read_yaml(file)
    names = data.get("names") if isinstance(data, dict) else None
    if isinstance(names, list):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names:
        raise UserError(f"{file}: names is not a list of class names: give one, such as names: [nut, bolt]")
    for key, name in names.items():
        if type(key) is not int or key < 0:
            raise UserError(f"{file}: the class id {key!r} in names is not a whole number from 0")
        if isinstance(name, bool) or not isinstance(name, str | int | float):
            raise UserError(f"{file}: the name of class {key} is read as {name!r}: put it into quotes")
    _check_count(file, data, len(names))
    return {key: str(names[key]) for key in sorted(names)}


def _read_yaml(file: Path) -> Any:
    from groundloop.yaml_text import YamlError, load_yaml  # only here: what runs inside a job can do without it

    try:
        return load_yaml(read_text(file))[0]
    except YamlError as error:
        raise UserError(f"{file}, line {error.line}: not YAML: {error}") from None


def _check_count(file: Path, data: dict[str, Any], names: int) -> None:
    count = data.get("nc", names)
    if count != names:
        raise UserError(f"{file}: nc is {count}, but names holds {names} classes: correct one of them")
