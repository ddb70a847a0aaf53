"""`groundloop labeling create`: have images labelled that are not labelled yet."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.labeling.creating import Attribute, CreationOptions, JobName, Limit, create_planned
from pipeline.cli.option_groups import with_option_groups
from pipeline.cli.options import Assignments, ConfigFiles, class_names, load_with_origins
from pipeline.cli.output import print_line
from pipeline.cli.review.new import Classes

Images = Annotated[str, typer.Option("--images", metavar="S3_URI", help="Prefix of the images in S3.")]


@with_option_groups
def create(
    name: JobName,
    images: Images,
    creation: CreationOptions,
    labels: Annotated[
        list[str] | None,
        typer.Option(metavar="LABELS", help="Further labels, whose images are left out; repeatable."),
    ] = None,
    classes: Classes = None,
    attribute: Attribute = None,
    limit: Limit = None,
    max_objects: Annotated[
        int | None,
        typer.Option("--max-labeled", min=1, metavar="N", help="Stop after so many were labelled by people."),
    ] = None,
    max_percent: Annotated[
        int | None, typer.Option(min=1, max=100, metavar="N", help="Stop after this share of the images.")
    ] = None,
    auto_labeling: Annotated[
        bool, typer.Option("--auto-labeling", help="Have a model label what it is sure of; 1,250 images or more.")
    ] = False,
    initial_model: Annotated[
        str | None, typer.Option(metavar="ARN", help="Final model of an earlier job, to begin auto-labeling with.")
    ] = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Create a labelling job for unlabelled images.

    Images that labels.manifest, labels.additional_sources or --labels label are left out. The request is checked
    before anything is uploaded, and the cost is bounded before anything is created.

    Example: groundloop labeling create week-47 --images s3://my-bucket/photos/ --classes nut,bolt
    """
    from groundloop.labeling.input_manifest import unlabelled_manifest
    from groundloop.labeling.job_request import AutoLabeling
    from groundloop.review.image_list import s3_image_names
    from groundloop.spec.labeling_jobs import MANY_LABELS, TaskType
    from pipeline.labeling_jobs import JobOptions, check_images_prefix, configured_lines, plan_job

    if initial_model and not auto_labeling:
        raise typer.BadParameter("--initial-model goes with --auto-labeling")
    loaded = load_with_origins(config, assignments, incomplete=True)
    settings = loaded.require("aws.role", "aws.bucket")
    to_stderr = creation.as_json or creation.dry_run
    found, notes = s3_image_names(check_images_prefix(images), settings.aws.region)
    for note in notes:
        print_line(f"note: {note}", to_stderr=to_stderr)
    names = class_names(classes) if classes else list(settings.labels.classes)
    if len(names) > MANY_LABELS:
        print_line(f"note: the workers' page is made for up to {MANY_LABELS} classes", to_stderr=to_stderr)
    options = JobOptions(
        attribute=attribute or name,
        max_objects=max_objects,
        max_percent=max_percent,
        auto_labeling=AutoLabeling(initial_model, settings.aws.kms_key) if auto_labeling else None,
    )
    manifest = unlabelled_manifest(found, configured_lines(loaded, labels or ()), limit)
    planned = plan_job(settings, name, TaskType.BOUNDING_BOX, manifest, names, options)
    create_planned(settings, planned, creation)
