"""The files of a local run: the model that it trained, and its evaluation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from groundloop.detections.count_error import CountError
from groundloop.errors import UserError


@dataclass(frozen=True)
class TrainedModel:
    """The model of a local run with what its evaluation found.

    Attributes:
        folder: the files of the model.
        classes: names in id order.
        thresholds: operating threshold by class.
        count_error: of counts on the test split.
    """

    folder: Path
    classes: tuple[str, ...]
    thresholds: dict[str, float]
    count_error: CountError | None

    @classmethod
    def of_run(cls, folder: Path) -> TrainedModel:
        """Read the newest model of a local run and its newest evaluation.

        Raises:
            UserError: one of them is missing.
        """
        metrics = json.loads((evaluation_folder(folder) / "evaluation.json").read_bytes())
        thresholds = {name: float(value) for name, value in metrics["class_thresholds"].items()}
        model = trained_model(folder)
        return cls(model, tuple(metrics["classes"]), thresholds, CountError.of_evaluation(metrics))


def trained_model(folder: Path) -> Path:
    """Return the folder of the newest model that a local run trained.

    Raises:
        UserError: there is none.
    """
    models = sorted(folder.glob("jobs/*Train*/model"), key=lambda path: path.stat().st_mtime)
    if not models:
        raise UserError(f"{folder} holds no trained model (jobs/*Train*/model)")
    return models[-1]


def evaluation_folder(folder: Path) -> Path:
    """Return the folder of the newest evaluation of a local run.

    Raises:
        UserError: there is none.
    """
    jobs = sorted(folder.glob("jobs/*Evaluate*"), key=lambda path: path.stat().st_mtime)
    evaluation = jobs[-1] / "processing" / "output" / "evaluation" if jobs else folder
    if not (evaluation / "evaluation.json").is_file():
        raise UserError(
            f"{folder} is not the folder of a local run whose Evaluate step succeeded: give a folder such as "
            ".groundloop/20261121-093000-4711, which groundloop local run names"
        )
    return evaluation
