"""``groundloop demo``: the whole loop on rendered images, offline."""

from __future__ import annotations

from typing import Annotated

import typer


def demo(
    images: Annotated[int, typer.Option(min=60, max=5000, help="Scenes to render.")] = 240,
) -> None:
    """Render labelled scenes, start the offline AWS, run the whole pipeline, and ask the endpoint.

    Example: groundloop demo
    """
    from pipeline.cli.local import end_on_signals, load_local, program_name
    from pipeline.demo.synthetic_images import KINDS, render

    bucket = "groundloop-demo"
    settings = load_local(None, [f"labels.manifest=s3://{bucket}/labels/output.manifest"])
    from pipeline.cli.run_summary import run_and_report
    from pipeline.demo.offline_run import new_home, offline_aws, upload_labels

    home = new_home()
    end_on_signals()
    manifest = render(home / "data", images, bucket)
    typer.echo(f"rendered {images} scenes with {', '.join(KINDS)} to count: {manifest}")
    with offline_aws(settings, home) as aws:
        typer.echo(f"offline AWS at {aws.endpoint_url}")
        upload_labels(settings, manifest, home / "data" / "images", typer.echo)
        run_and_report(settings, home)
    program = program_name()
    typer.echo(
        "\nnext:\n"
        f"  your own labels, offline    {program} local run --labels output.manifest --images DIR\n"
        f"  an offline AWS to work on   {program} local\n"
        "  a real account              README, 'A real account'; then make upsert-pipeline"
    )
