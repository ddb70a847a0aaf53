"""Running the server of a model."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from groundloop.portable.onnx_detector import OnnxDetector
from groundloop.review.serve import Address, serving_app
from groundloop.serving.app import ModelServer
from groundloop.serving.guard import AllowedHosts


@contextmanager
def serving_model(
    detector: OnnxDetector, name: str, address: Address, allowed_hosts: Sequence[str] = ()
) -> Iterator[str]:
    """Serve a model in a thread while the body runs; provides the URL of the page.

    Args:
        detector: the model.
        name: what the page calls it.
        address: where the server listens.
        allowed_hosts: further names under which it may be called.

    Raises:
        UserError: the port is taken or the address is not this machine's.
    """
    server = ModelServer(detector, name, usable_processors())
    app = server.app(AllowedHosts(address.host, allowed_hosts, loopback=address.is_loopback))
    with serving_app(lambda _: app, address) as port:
        yield address.url(port)


def usable_processors() -> int:
    """Return how many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1
