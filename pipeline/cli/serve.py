"""`groundloop serve`: an HTTP server for an exported model."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.output import print_line, print_warning


def serve(
    model: Annotated[Path, typer.Argument(metavar="MODEL.ONNX", help="File that export-model wrote.")],
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="Port; 0 takes a free one.")] = 8080,
    threads: Annotated[
        int | None, typer.Option(min=1, max=256, metavar="N", help="Processors for the network. Default: all.")
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 opens it to other machines.")
    ] = "127.0.0.1",
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="Name by which others call it; repeatable."),
    ] = None,
) -> None:
    """Serve an exported model over HTTP.

    GET /ping and POST /invocations take and return what the endpoint does; POST /count counts by class. The page
    at / detects on a picture that is dropped there.

    Example: groundloop serve detector.onnx --port 8080
    """
    from groundloop.portable.onnx_detector import OnnxDetector
    from groundloop.review.serve import Address
    from groundloop.serving.serve import serving_model, usable_processors
    from pipeline.extras import require

    require("onnxruntime")
    address = Address(host, port, unencrypted=True)
    detector = OnnxDetector(model, threads=threads or usable_processors())
    with contextlib.suppress(KeyboardInterrupt), serving_model(detector, model.name, address, allow_host or ()) as url:
        print_line(f"{model}: {', '.join(detector.classes)}")
        print_line(f"page: {url}  invocations: {url}invocations  count: {url}count  Ctrl-C ends it")
        if not address.is_loopback:
            print_warning(f"everyone who reaches {host} can send images, unencrypted and without a password")
        threading.Event().wait()
