"""Where labels come from: one or several manifests, as plain files with one label attribute each."""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from labels.attributes import Attributes, choose_attribute
from labels.errors import UserError
from labels.lines import is_compressed

AUTO = "auto"


@dataclass(frozen=True)
class Source:
    """A manifest.

    Attributes:
        path: the file.
        name: what people know it by, its S3 URI.
        attribute: the label attribute; `auto` until it is found out.
    """

    path: Path
    name: str
    attribute: str = AUTO


def find_manifest(folder: Path, uri: str) -> Path:
    """The manifest among what was downloaded: the URI's last part, or the only file.

    Raises:
        UserError: there is no such file, or no telling which one is meant.
    """
    if folder.is_file():
        return folder
    name = uri.rpartition("/")[2]
    if name:
        if (folder / name).is_file():
            return folder / name
        raise UserError(f"the manifest {uri} does not exist: there is no {name} in {folder}")
    if uri:
        raise UserError(f"the manifest URI {uri} names a folder: give the manifest itself, s3://.../output.manifest")
    files = sorted(path for path in folder.glob("*") if path.is_file())
    if len(files) == 1:
        return files[0]
    found = ", ".join(path.name for path in files[:5]) or "nothing"
    raise UserError(f"{folder} should hold one manifest but holds {found}: say which with --manifest-uri")


def unpacked(source: Source, folder: Path) -> Source:
    """The source as a plain file, since a packed one can't be read from the middle.

    Args:
        folder: where to put it.

    Raises:
        UserError: it is packed and damaged.
    """
    if not is_compressed(source.path):
        return source
    plain = folder / f"{len(list(folder.iterdir()))}-{source.path.name}"
    try:
        with gzip.open(source.path) as packed, plain.open("wb") as stream:
            shutil.copyfileobj(packed, stream, 1 << 20)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(
            f"the compressed manifest {source.name} is damaged ({error}): download or pack it again"
        ) from None
    return replace(source, path=plain)


def with_attribute(source: Source, look: Callable[[Source], Iterable[Attributes]]) -> Source:
    """The source with its label attribute found out.

    Args:
        look: gives the attributes of all its lines.

    Raises:
        UserError: there are several that hold boxes, or none.
    """
    if source.attribute not in ("", AUTO):
        return source
    found = Attributes()
    for part in look(source):
        found.detection += part.detection
        found.other = part.other | found.other
    return replace(source, attribute=choose_attribute(found))
