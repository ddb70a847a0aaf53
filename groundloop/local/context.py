"""The state that all parts of one offline AWS share: folder, account, clients, stand-ins."""

from __future__ import annotations

import os
import sys
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

from groundloop.local.image_stand_ins import ImageStandIn
from groundloop.service_models import service_models

#: Any value will do: nothing checks signatures on the loopback address.
ACCESS_KEY, SECRET_KEY = "testing", "testing"

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


def now() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(timezone.utc)


def random_id(length: int = 12) -> str:
    """Return a fresh lower-case identifier, like those in the names AWS makes."""
    return uuid.uuid4().hex[:length]


class Bell:
    """Wakes those who wait for a job, a search or an endpoint."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        #: How often it has rung.
        self.rung = 0

    def ring(self) -> None:
        """Tell that something has ended, or was asked to."""
        with self._condition:
            self.rung += 1
            self._condition.notify_all()

    def wait(self, heard: int, seconds: float) -> None:
        """Wait until it rings, but no longer than some seconds.

        Args:
            heard: `rung` before the caller looked at what it waits for: what ended since then ends the wait at once.
            seconds: the longest wait.
        """
        with self._condition:
            self._condition.wait_for(lambda: self.rung != heard, seconds)


@dataclass
class Context:
    """The shared state of one offline AWS. `endpoint_url` is set once its server listens."""

    home: Path
    region: str
    account: str
    programs: Mapping[str, ImageStandIn]
    endpoint_url: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    stopping: threading.Event = field(default_factory=threading.Event)
    bell: Bell = field(default_factory=Bell)
    _session: Any = None
    _clients: dict[str, Any] = field(default_factory=dict)

    def arn(self, path: str) -> str:
        """Return the ARN of a SageMaker resource, e.g. `training-job/name`."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{path}"

    def environment(self) -> dict[str, str]:
        """Return the variables that point boto3, the SDK and the AWS CLI at this server."""
        variables = {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
        }
        if any(os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXIES):
            # A proxy can't reach this machine's loopback address.
            kept = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
            variables["NO_PROXY"] = variables["no_proxy"] = ",".join(filter(None, [kept, "127.0.0.1"]))
        return variables

    def job_environment(self, opt_ml: Path, requested: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a job's program: nothing of the user's own AWS settings reaches it."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        variables.update(dict.fromkeys(_ONE_THREAD, "1"))
        variables.update(requested)
        # Last, so that no request can point a job of the offline AWS at the real one.
        variables.update(self.environment())
        variables.update(
            AWS_CONFIG_FILE=os.devnull,
            AWS_SHARED_CREDENTIALS_FILE=os.devnull,
            AWS_EC2_METADATA_DISABLED="true",
            OPT_ML=str(opt_ml),
            PYTHONUNBUFFERED="1",
        )
        return variables

    def client(self, service: str) -> Any:
        """Return a client of this server, shared by all threads; the user's AWS settings play no part."""
        with self.lock:
            if service not in self._clients:
                if self._session is None:
                    self._session = botocore.session.Session(
                        session_vars={
                            "profile": (None, [], None, None),
                            "config_file": (None, None, os.devnull, None),
                            "credentials_file": (None, None, os.devnull, None),
                        }
                    )
                    self._session.register_component("data_loader", service_models(None))
                self._clients[service] = self._session.create_client(
                    service,
                    region_name=self.region,
                    endpoint_url=self.endpoint_url,
                    aws_access_key_id=ACCESS_KEY,
                    aws_secret_access_key=SECRET_KEY,
                    config=Config(
                        proxies={},
                        max_pool_connections=32,
                        retries={"max_attempts": 0},
                        s3={"addressing_style": "path"},
                    ),
                )
            return self._clients[service]

    def close(self) -> None:
        """Close the clients' connections."""
        with self.lock:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    @property
    def python(self) -> str:
        """The interpreter that stands in for the one in a job's image."""
        return sys.executable
