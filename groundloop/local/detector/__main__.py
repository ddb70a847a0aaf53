"""The stand-in as a program, like the entry point of a container: `python -m groundloop.local.detector train|serve`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

# Before NumPy is imported, which reads them once. A second thread gains nothing on matrices this small, and costs a
# lot on a machine that does other work.
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[_variable] = "1"

from groundloop.local.detector.errors import StandInError  # noqa: E402  # see above


def main(argv: list[str] | None = None) -> int:
    """Train or serve as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m groundloop.local.detector", description="Stand-in for Object Detection."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train on the channels of a folder laid out like /opt/ml")
    serve = commands.add_parser("serve", help="answer /ping and /invocations with the model of such a folder")
    for command in (train, serve):
        command.add_argument("--opt-ml", type=Path, required=True, metavar="DIR", help="the folder")
    serve.add_argument("--port", type=int, default=8080, help="on 127.0.0.1; 0 picks a free one (default: 8080)")
    arguments = parser.parse_args(argv)

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # A training job's log is its output; a server's stdout carries only the line that names its port.
    logging.basicConfig(
        stream=sys.stdout if arguments.command == "train" else sys.stderr,
        format="[%(asctime)s %(levelname)s] %(message)s",
        datefmt="%m/%d/%Y %H:%M:%S",
        level=logging.INFO,
    )
    try:
        if arguments.command == "train":
            from groundloop.local.detector.trainer import train as run_training

            run_training(arguments.opt_ml)
        else:
            from groundloop.local.detector.server import serve as run_server

            run_server(arguments.opt_ml, arguments.port)
    except StandInError as error:
        return _fail(arguments.opt_ml, arguments.command, str(error))
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        return _fail(arguments.opt_ml, arguments.command, f"{error}")
    except Exception as error:
        # Nobody's mistake but ours: with the traceback, and like every failure with its reason in output/failure.
        logging.getLogger("groundloop.local.detector").exception("a fault in the stand-in")
        return _fail(arguments.opt_ml, arguments.command, f"a fault in the stand-in: {error!r}")
    return 0


def _fail(opt_ml: Path, command: str, reason: str) -> int:
    sys.stderr.write(f"error: {reason}\n")
    if command == "train":
        failure = opt_ml / "output" / "failure"
        failure.parent.mkdir(parents=True, exist_ok=True)
        failure.write_text(reason)
    return 1


if __name__ == "__main__":
    sys.exit(main())
