"""The service models that AWS's clients are made of: megabytes of JSON, read once in a process, and faster."""

from __future__ import annotations

import functools
import gzip
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, overload

from botocore.exceptions import DataNotFoundError
from botocore.loaders import JSONFileLoader, Loader


@functools.cache
def service_models(data_path: str | None) -> Loader:
    """Return the loader of the models of botocore, of `~/.aws/models` and of further folders.

    Args:
        data_path: further folders, separated as in `PATH`; None: there are none.
    """
    folders = data_path.split(os.pathsep) if data_path else []
    return _Models([os.path.expanduser(os.path.expandvars(folder)) for folder in folders], _Files())  # noqa: PTH111


class _Files(JSONFileLoader):
    """Reads the files into plain dictionaries, which keep their order as botocore's `OrderedDict` does."""

    def load_file(self, file_path: str) -> Any:
        """Return the content of a file, which is named without its suffix; None if there is none."""
        for suffix, unpack in ((".json", bytes), (".json.gz", gzip.decompress)):
            with suppress(FileNotFoundError):
                return json.loads(unpack(Path(f"{file_path}{suffix}").read_bytes()))
        return None


class _Models(Loader):
    """Finds the models."""

    def list_available_services(self, type_name: str) -> Sequence[str]:
        """List the services that there is a model of some type of."""
        return _Services(self, type_name)

    def look_everywhere(self, type_name: str) -> Sequence[str]:
        """List them as botocore does."""
        services: Sequence[str] = super().list_available_services(type_name)
        return services


class _Services(Sequence[str]):
    """The services with a model of some type.

    Every client asks whether its own is one of them. For that botocore looks into the folders of all services.
    """

    def __init__(self, models: _Models, type_name: str) -> None:
        self._models, self._type = models, type_name

    def __contains__(self, service: object) -> bool:
        try:
            return bool(self._models.list_api_versions(service, self._type))
        except DataNotFoundError:
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(self._models.look_everywhere(self._type))

    def __len__(self) -> int:
        return len(self._models.look_everywhere(self._type))

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return self._models.look_everywhere(self._type)[index]
