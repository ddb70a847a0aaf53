"""The offline AWS as one object."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from groundloop.local.api.services import Services
from groundloop.local.context import Context
from groundloop.local.dispatcher import Dispatcher
from groundloop.local.errors import LocalAwsError
from groundloop.local.http_server import ADDRESS
from groundloop.local.image_stand_ins import BUILT_IN, ImageStandIn
from groundloop.local.kept_state import KeptState
from groundloop.local.moto_server import Server, make_role, moto_application, reset

_ROLE = "groundloop-local"
_SERVICES = ["sagemaker.amazonaws.com", "events.amazonaws.com"]
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": _SERVICES}, "Action": "sts:AssumeRole"}],
}
#: moto's state belongs to the process, so there is one offline AWS in it at a time.
_running = threading.Lock()


class LocalAws:
    """An offline AWS: a server on 127.0.0.1 that boto3, the SageMaker SDK and the AWS CLI can use as if it were AWS.

    What is real: the API and its errors, pipelines and their executions, jobs (programs of this machine in a folder
    laid out like `/opt/ml`), Pipe mode, artifacts in S3, the registry, endpoints that answer. What is a stand-in:
    images (`programs`; processing runs in this Python environment), hardware, prices and quotas, IAM (everything is
    allowed), the portal where people work on labelling jobs and human loops (our review page; `Workteam.SubDomain`).
    S3, IAM, STS, EventBridge and the other services are moto's. State lives in memory and is gone with `stop()`,
    unless it is kept; folders of jobs and endpoints stay under `home`.

    Args:
        home: the folder for `jobs/<job>/` (with `log.txt`) and `endpoints/<endpoint>/`; made if missing.
        port: 0 takes a free one.
        region: the region of ARNs and clients.
        account: the account of ARNs, 12 digits.
        keep: continue with the state that an earlier one left in `home`, and leave it there with `stop()`: S3,
            SageMaker and EventBridge rules. Endpoints in service start again; executions that still ran are stopped.
        programs: regular expression on an image's URI -> the program that stands in for it; looked at before
            the built-in ones (`local.programs`).
    """

    def __init__(
        self,
        home: Path,
        port: int = 0,
        region: str = "us-east-1",
        account: str = "123456789012",
        programs: Mapping[str, ImageStandIn] | None = None,
        keep: bool = False,
    ) -> None:
        if not re.fullmatch(r"\d{12}", account):
            raise LocalAwsError(f"an account has 12 digits: {account!r}")
        if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", region):
            raise LocalAwsError(f"{region!r} is not a region (like us-east-1)")
        self._port = port
        mine = dict(programs or {})
        built_in = {pattern: program for pattern, program in BUILT_IN.items() if pattern not in mine}
        self._context = Context(home.resolve(), region, account, {**mine, **built_in})
        self._started = False
        self._kept = KeptState(self._context) if keep else None
        self._restored = False
        self._services: Services | None = None
        self._server: Server | None = None

    @property
    def endpoint_url(self) -> str:
        """`http://127.0.0.1:PORT`; LocalAwsError before start()."""
        if not self._context.endpoint_url:
            raise LocalAwsError("the offline AWS has not been started")
        return self._context.endpoint_url

    @property
    def role_arn(self) -> str:
        """A role that SageMaker may assume, created at start."""
        return f"arn:aws:iam::{self._context.account}:role/{_ROLE}"

    @property
    def home(self) -> Path:
        """The absolute path of the folder of jobs and endpoints."""
        return self._context.home

    def environment(self) -> dict[str, str]:
        """Return the variables that point boto3, the SDK and the AWS CLI at this server."""
        if not self._context.endpoint_url:
            raise LocalAwsError("the offline AWS has not been started")
        return self._context.environment()

    def contents(self) -> dict[str, int]:
        """Return how many running executions, endpoints, pipelines and model packages there are."""
        return self._services.contents() if self._services else {}

    def client(self, service: str) -> Any:
        """Return a client of this server; the process's AWS settings play no part."""
        return self._context.client(service)

    def start(self) -> None:
        """Start serving; returns when requests are answered.

        Raises:
            LocalAwsError: the port is taken, the home can't be made, or this process has an offline AWS already.
        """
        if not _running.acquire(blocking=False):
            raise LocalAwsError("this process runs an offline AWS already: there can be one at a time")
        self._started = True
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        context = self._context
        try:
            context.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LocalAwsError(f"the folder {context.home} can't be made: {error.strerror}") from error
        context.stopping.clear()
        if self._kept:
            self._kept.lock()
        else:
            self._remove_queues()
        reset()
        services = Services(context)
        self._server = Server(Dispatcher(context, services, moto_application()), self._port, context.account)
        context.endpoint_url = f"http://{ADDRESS}:{self._server.port}"
        self._services = services
        make_role(context.account, _ROLE, json.dumps(_TRUST))
        if self._kept:
            self._kept.restore(services)
            self._restored = True

    def stop(self) -> None:
        """Stop executions, jobs and endpoints, end every child process, stop serving. A second call does nothing."""
        if not self._started:
            return
        self._started = False
        try:
            if self._services is not None:
                self._context.stopping.set()
                self._services.stop()
                if self._kept and self._restored:
                    self._kept.save(self._services)
        finally:
            self._services = None
            self._restored = False
            if self._kept:
                self._kept.unlock()
            else:
                self._remove_queues()
            self._context.close()
            if self._server is not None:
                self._server.stop()
                self._server = None
            self._context.endpoint_url = ""
            _running.release()

    def _remove_queues(self) -> None:
        """Remove the worker portal's queues, which are part of the state."""
        shutil.rmtree(self._context.home / "portal", ignore_errors=True)

    def __enter__(self) -> LocalAws:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
