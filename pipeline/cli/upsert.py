"""``groundloop upsert``: create or update the pipelines."""

from __future__ import annotations

import textwrap

import typer

from pipeline.cli.options import Assignments, ConfigFiles, load


def upsert(config: ConfigFiles = None, assignments: Assignments = None) -> None:
    """Create or update the pipelines on the AWS that the environment points to.

    Example: groundloop upsert --config configs/prod.yaml
    """
    from pipeline.aws import offline_endpoint

    settings = load(config, assignments)
    from pipeline.upsert import studio_link
    from pipeline.upsert import upsert as upsert_pipelines

    offline = offline_endpoint()
    typer.echo(f"AWS: offline, {offline} (AWS_ENDPOINT_URL)" if offline else f"AWS: {settings.aws.region}")
    for pipeline in upsert_pipelines(settings):
        typer.echo(f"\n{'created' if pipeline.created else 'updated'} {pipeline.name}")
        typer.echo(f"  ARN     {pipeline.arn}")
        link = studio_link(settings, pipeline.name)
        typer.echo(f"  Studio  {link or ('none offline' if offline else 'no Studio domain found in this region')}")
        typer.echo("  parameters")
        for parameter in pipeline.parameters:
            typer.echo(f"    {parameter['Name']:<24} {parameter['Type']:<8} {parameter['DefaultValue']}")
            if "EnumValues" in parameter:
                choices = f"one of {', '.join(parameter['EnumValues'])}"
                typer.echo(textwrap.fill(choices, 118, initial_indent=" " * 38, subsequent_indent=" " * 38))
    typer.echo("\nnext: groundloop start --watch")
