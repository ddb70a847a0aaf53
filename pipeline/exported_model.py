"""The models that `groundloop export-model` takes: a file, a version of the registry, or a local run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from groundloop.detections.count_error import CountError
from groundloop.errors import UserError
from groundloop.portable.model_archive import ModelArchive, read_model_archive, read_model_folder

if TYPE_CHECKING:
    from pipeline.config import Config


@dataclass(frozen=True)
class ExportedModel:
    """A model with what its file alone does not tell.

    Attributes:
        archive: the files of the model.
        classes: names in id order.
        thresholds: operating threshold by class; empty if no evaluation is known.
        package: ARN of the model package; None if the model is in no registry.
        count_error: of counts in the evaluation; None if no evaluation is known.
    """

    archive: ModelArchive
    classes: tuple[str, ...]
    thresholds: dict[str, float] = field(default_factory=dict)
    package: str | None = None
    count_error: CountError | None = None


def find_model(which: str, classes: Sequence[str], settings: Callable[[], Config]) -> ExportedModel:
    """Find the model that a user names.

    Args:
        which: path of a model.tar.gz, a version number, or the folder of a local run.
        classes: names in id order, which a file needs and the others have.
        settings: reads the configuration, which names the registry.

    Raises:
        UserError: there is no such model, or its class names are not known.
    """
    path = Path(which)
    if path.is_file():
        if not classes:
            raise UserError(
                f"{which} holds no class names: give them in the model's order with --classes nut,bolt, "
                "or name the version of the registry"
            )
        return ExportedModel(read_model_archive(path), tuple(classes))
    if classes:
        raise UserError("--classes is for a model.tar.gz; versions and local runs have their class names")
    if path.is_dir():
        return _of_local_run(path)
    if which.isdecimal() and len(which) < 10:
        return _of_version(settings(), int(which))
    raise UserError(f"{which}: there is no such file or folder, and it is not a version number")


def _of_local_run(folder: Path) -> ExportedModel:
    from groundloop.prediction.local_run import TrainedModel

    run = TrainedModel.of_run(folder)
    return ExportedModel(read_model_folder(run.folder), run.classes, run.thresholds, count_error=run.count_error)


def _of_version(config: Config, number: int) -> ExportedModel:
    from groundloop.models.packages import package
    from groundloop.models.registry import version
    from groundloop.prediction.model_files import package_archive

    region = config.aws.region
    arn = version(region, config.registry.group, number).arn
    found, archive = package(region, arn), package_archive(region, arn)
    return ExportedModel(
        archive, tuple(found.classes), found.thresholds, arn, CountError.of_evaluation(found.evaluation)
    )
