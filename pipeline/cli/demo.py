"""`groundloop demo`: the whole loop on synthetic images, offline."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.output import print_line
from pipeline.cli.review.serving import NoBrowser


def demo(
    images: Annotated[
        int | None,
        typer.Option(min=60, max=5000, help="Number of synthetic images [default: 240, with --drift 140]."),
    ] = None,
    review: Annotated[
        bool, typer.Option("--review", help="Then serve a page on which to correct what the model doubts.")
    ] = False,
    drift: Annotated[
        bool,
        typer.Option("--drift", help="The loop after that: darker scenes, alarm, review, retraining, next version."),
    ] = False,
    no_browser: NoBrowser = False,
) -> None:
    """Run the whole loop offline on synthetic images.

    Draws labelled images, starts the offline AWS, runs the pipeline, and calls the endpoint. With --drift the endpoint
    then gets darker scenes: the monitor pipeline's alarm, the queue for review, and the version trained from it.

    Example: groundloop demo
    """
    if drift:
        from pipeline.cli.demo_drift import IMAGES, demo_drift

        if review:
            raise typer.BadParameter("--review serves a page for people; with --drift the demo stands in for them")
        demo_drift(images or IMAGES)
        return
    images = images or 240
    from pipeline.cli.local.settings import load_local, next_on_aws, program_name
    from pipeline.compiled import compile_ahead
    from pipeline.demo.synthetic_images import CLASSES, write_dataset
    from pipeline.extras import require

    require("moto", "sagemaker")
    bucket = "groundloop-demo"
    settings = load_local(None, [f"labels.manifest=s3://{bucket}/labels/output.manifest"], project=False)
    compile_ahead(settings)
    from pipeline.cli.run_summary import OfflineRun, run_and_report
    from pipeline.demo.offline_run import new_home, offline_aws, upload_labels

    home = new_home()
    manifest = write_dataset(home / "data", images, bucket)
    program, images_folder = program_name(), home / "data" / "images"
    print_line(f"drew {images} images of {', '.join(CLASSES)}: {manifest}")
    with offline_aws(settings, home) as aws:
        print_line(f"offline AWS at {aws.endpoint_url}")
        upload_labels(
            settings, manifest, images_folder, print_line, "images are missing on purpose: Prepare rejects their lines"
        )
        next_steps = {
            **({} if review else {"correct what the model doubts": f"{program} review --from {home}"}),
            "your own labels, offline": f"{program} local run --labels output.manifest --images DIR",
            "an offline AWS to work on": f"{program} local --demo",
            "on AWS": next_on_aws(),
        }
        check = f"{program} labels check {manifest} --images {images_folder}"
        run_and_report(settings, OfflineRun(home, check, next_steps=next_steps))
    if review:
        from groundloop.review.serve import Address
        from pipeline.cli.review.doubts import review_doubts

        print_line("\ncorrect what the model doubts:")
        review_doubts(str(home), Address(), browser=not no_browser)
