"""`groundloop labeling adjust` and `verify`: jobs on the labels of an earlier one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.labeling.creating import Attribute, CreationOptions, JobName, Limit, create_planned
from pipeline.cli.option_groups import with_option_groups
from pipeline.cli.options import Assignments, ConfigFiles, class_names, load_with_origins
from pipeline.cli.review.new import Classes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundloop.labels.records import Line
    from groundloop.spec.labeling_jobs import TaskType
    from pipeline.config import Config
    from pipeline.config.loading import LoadedConfig


@dataclass(frozen=True)
class ChainOptions:
    """The options of jobs on earlier labels."""

    of: Annotated[
        str | None, typer.Option("--of", metavar="JOB", help="Earlier labelling job, whose labels are looked at.")
    ] = None
    labels: Annotated[
        str | None, typer.Option(metavar="S3_URI", help="Manifest with the labels; default: that of --of.")
    ] = None
    label_attribute: Annotated[
        str,
        typer.Option(metavar="NAME", help="With --labels: attribute of the labels; auto: the only one with boxes."),
    ] = "auto"
    classes: Classes = None
    attribute: Attribute = None
    limit: Limit = None


@with_option_groups
def adjust(
    name: JobName,
    options: ChainOptions,
    creation: CreationOptions,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Create a labelling job that corrects labels.

    The corrected labels get an attribute of their own beside the earlier ones.

    Example: groundloop labeling adjust week-47-adjusted --of week-47
    """
    from groundloop.spec.labeling_jobs import TaskType

    _create(name, TaskType.ADJUSTMENT, options, creation, load_with_origins(config, assignments, incomplete=True))


@with_option_groups
def verify(
    name: JobName,
    options: ChainOptions,
    creation: CreationOptions,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Create a labelling job that verifies labels.

    Workers say whether labels are good or bad. Its output holds verdicts and comments, and no boxes to train on.

    Example: groundloop labeling verify week-47-verified --of week-47
    """
    from groundloop.spec.labeling_jobs import TaskType

    _create(name, TaskType.VERIFICATION, options, creation, load_with_origins(config, assignments, incomplete=True))


def _create(
    name: str, task_type: TaskType, options: ChainOptions, creation: CreationOptions, loaded: LoadedConfig
) -> None:
    from groundloop.labeling.input_manifest import chained_manifest
    from pipeline.labeling_jobs import JobOptions, plan_job

    if (options.of is None) == (options.labels is None):
        raise typer.BadParameter("give --of, an earlier job, or --labels, a manifest")
    settings = loaded.require("aws.role", "aws.bucket")
    earlier, lines, known = (
        _of_job(settings, options.of)
        if options.of is not None
        else _of_labels(settings, str(options.labels), options.label_attribute)
    )
    names = class_names(options.classes) if options.classes else known
    _check_classes(names, known)
    manifest = chained_manifest(lines, options.limit)
    planned = plan_job(settings, name, task_type, manifest, names, JobOptions(options.attribute or name), earlier)
    create_planned(settings, planned, creation)


def _of_job(settings: Config, job: str) -> tuple[str, list[Line], Sequence[str]]:
    """Return the attribute, the lines and the classes of an earlier job."""
    from groundloop.aws import client
    from groundloop.errors import UserError
    from groundloop.labeling.jobs import describe
    from groundloop.labeling.label_categories import read_label_categories
    from groundloop.s3 import read_bytes

    state = describe(settings.aws.region, job)
    if state.output_manifest is None:
        raise UserError(f"labelling job {job!r} has no output manifest yet: its status is {state.status}")
    _, lines, classes = _of_labels(settings, state.output_manifest, state.attribute)
    if state.categories_uri:
        content = read_bytes(client("s3", settings.aws.region), state.categories_uri)
        classes = read_label_categories(content, state.categories_uri)
    return state.attribute, lines, classes


def _of_labels(settings: Config, labels: str, attribute: str) -> tuple[str, list[Line], Sequence[str]]:
    """Return the attribute, the lines and the classes of a manifest."""
    from groundloop.labels.class_maps import class_map_of, order_of_classes
    from groundloop.labels.label_input import read_manifest

    found = read_manifest(labels, settings.aws.region, attribute)
    maps = ((line.number, class_map_of(line.raw, found.label_attribute)) for line in found.lines if line.record)
    ordered, _ = order_of_classes(maps)
    return found.label_attribute, found.lines, ordered


def _check_classes(names: Sequence[str], known: Sequence[str]) -> None:
    """Check that no class of the earlier labels is missing, which would make its images fail.

    Raises:
        UserError: one is.
    """
    from groundloop.errors import UserError

    if missing := [name for name in known if name not in names]:
        raise UserError(f"--classes lacks classes of the earlier labels: add {', '.join(missing)}")
