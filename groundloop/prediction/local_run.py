"""The files of a local run: the model that it trained, and its evaluation."""

from __future__ import annotations

from pathlib import Path

from groundloop.errors import UserError


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
