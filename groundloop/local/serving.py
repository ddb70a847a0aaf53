"""Model servers: the serve program of a stand-in behind HTTP, for batch transform and endpoints."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundloop.local.archive import unpack
from groundloop.local.context import Context
from groundloop.local.errors import JobError
from groundloop.local.image_stand_ins import program_for
from groundloop.local.logs import last_line
from groundloop.local.s3 import S3
from groundloop.local.subprocess_guard import Child

_LISTENING = re.compile(rb"listening on 127\.0\.0\.1:(\d+)")
#: Seconds a program has until it answers /ping.
_START_SECONDS = 120.0


@dataclass(frozen=True)
class Answer:
    """The answer of a model."""

    status: int
    content_type: str
    body: bytes


def never() -> bool:
    """Return False, for callers that cannot be stopped."""
    return False


def model_data(container: dict[str, Any]) -> tuple[str, bool]:
    """Return the S3 URI of a container's model, empty if it has none, and whether it is one packed object."""
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if source:
        return source["S3Uri"], source.get("CompressionType") == "Gzip"
    return container.get("ModelDataUrl", ""), True


class ModelServer:
    """A serve program with an unpacked model, in a folder laid out like `/opt/ml`."""

    def __init__(self, context: Context, container: dict[str, Any], folder: Path, log: Path) -> None:
        self._context, self._container, self._folder = context, container, folder
        self.log = log
        self._child: Child | None = None
        self._port = 0

    def start(self, environment: dict[str, str] | None = None, stopped: Callable[[], bool] = never) -> None:
        """Unpack the model, start the program, wait until it answers.

        Raises:
            JobError: no stand-in, no artifact, or the program ended or was silent for too long.
        """
        program = program_for(self._container["Image"], self._context.programs)
        if not program.serve:
            raise JobError("ClientError", f"the stand-in for {self._container['Image']} can't serve a model")
        model = self._folder / "model"
        model.mkdir(parents=True, exist_ok=True)
        self._bring(model)
        requested = {**self._container.get("Environment", {}), **(environment or {})}
        start = self.log.stat().st_size if self.log.exists() else 0
        self._child = Child(
            program.serve_command(self._folder),
            self._context.job_environment(self._folder, requested),
            self._folder,
            self.log,
        )
        self._wait(start, stopped)

    def _bring(self, model: Path) -> None:
        s3 = S3(self._context.account)
        uri, packed = model_data(self._container)
        if uri and packed:
            archive = self._folder / "model.tar.gz"
            archive.write_bytes(s3.read(uri))
            unpack(archive, model, uri)
            archive.unlink()
        elif uri:
            s3.download(s3.objects(uri), model)

    def _wait(self, start: int, stopped: Callable[[], bool]) -> None:
        assert self._child is not None  # noqa: S101 (only start() comes here)
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and not stopped():
            code = self._child.wait(0.02)
            with self.log.open("rb") as log:
                log.seek(start)
                found = _LISTENING.search(log.read())
            if code is not None:
                raise JobError("AlgorithmError", f"{last_line(self.log)}, exit code: {code} (log: {self.log})")
            if found:
                self._port = int(found.group(1))
                if self.ping():
                    return
        self.stop()
        raise JobError("AlgorithmError", f"the model's container did not pass the ping health check (log: {self.log})")

    def ping(self) -> bool:
        """Whether the program says it is well."""
        try:
            return self._request("GET", "/ping", None, {}, 10).status == 200
        except OSError:
            return False

    def invoke(self, body: bytes, content_type: str | None, accept: str | None, timeout: float = 60) -> Answer:
        """Post one request to the model.

        Raises:
            OSError: the program is gone or silent.
        """
        headers = {"Content-Type": content_type or "application/octet-stream", "Accept": accept or "*/*"}
        return self._request("POST", "/invocations", body, headers, timeout)

    def _request(self, method: str, path: str, body: bytes | None, headers: dict[str, str], timeout: float) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(
                response.status, response.headers.get("Content-Type", "application/octet-stream"), response.read()
            )
        except http.client.HTTPException as error:
            raise OSError(f"the model's answer is not HTTP: {error!r}") from error
        finally:
            connection.close()

    @property
    def running(self) -> bool:
        """Whether the program runs."""
        return self._child is not None and self._child.running

    def stop(self) -> None:
        """End the program."""
        if self._child is not None:
            self._child.end()
