"""The programs that stand in for container images.

A job's image can't run here. A `ImageStandIn` is what runs instead, chosen by the image's URI: the built-in Object
Detection algorithm has one (`local.detector`); others are given to `LocalAws(programs=...)`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from groundloop.local.detector.hyperparameters import IGNORED
from groundloop.local.errors import JobError
from groundloop.spec.object_detection import OBJECTIVE_METRIC
from groundloop.spec.training_log import METRIC_DEFINITIONS


@dataclass(frozen=True)
class ImageStandIn:
    """The commands that stand in for one image.

    In every argument `{opt_ml}` is replaced by the job's folder, which is laid out like `/opt/ml`.

    train: trains; reads `input/config` and `input/data`, writes `model`; on failure writes `output/failure` and
        exits with a code other than 0.
    serve: serves `model` over HTTP on a free port of 127.0.0.1 (`GET /ping`, `POST /invocations`) and prints the
        line `listening on 127.0.0.1:PORT` when it does.
    metrics: name -> regular expression with one group, looked for in the log; the last hit is the final value. A
        built-in algorithm's metrics are AWS's own and stand in no request.
    objectives: metrics that a tuning job may optimise, with the direction (`Maximize`, `Minimize`); empty for an image
        whose requests define metrics of their own.
    ignored: hyperparameters that are accepted and change nothing.
    """

    train: Sequence[str] = ()
    serve: Sequence[str] = ()
    metrics: Mapping[str, str] = field(default_factory=dict)
    objectives: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()

    def train_command(self, opt_ml: Path) -> list[str]:
        """Return the training command for this folder."""
        return [argument.replace("{opt_ml}", str(opt_ml)) for argument in self.train]

    def serve_command(self, opt_ml: Path) -> list[str]:
        """Return the serving command for this folder."""
        return [argument.replace("{opt_ml}", str(opt_ml)) for argument in self.serve]


_DETECTOR = (sys.executable, "-m", "groundloop.local.detector")

#: Regular expression on the image's URI -> stand-in. Metrics as in AWS's definition of a job of the algorithm.
BUILT_IN: Mapping[str, ImageStandIn] = {
    r"/object-detection:": ImageStandIn(
        train=(*_DETECTOR, "train", "--opt-ml", "{opt_ml}"),
        serve=(*_DETECTOR, "serve", "--opt-ml", "{opt_ml}", "--port", "0"),
        metrics=METRIC_DEFINITIONS,
        objectives={OBJECTIVE_METRIC: "Maximize"},
        ignored=frozenset(IGNORED),
    ),
}


def program_for(image: str, programs: Mapping[str, ImageStandIn]) -> ImageStandIn:
    """Return the stand-in for a container image.

    Raises:
        JobError: no program stands in for it.
    """
    for pattern, program in programs.items():
        if re.search(pattern, image):
            return program
    raise JobError("ClientError", f"nothing on this machine stands in for the image {image}")
