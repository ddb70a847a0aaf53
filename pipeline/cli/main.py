"""``groundloop``: the commands together, and every failure as one line and an exit code."""

from __future__ import annotations

import sys

import typer

from groundloop.errors import UserError
from groundloop.local.errors import LocalAwsError
from pipeline.cli import (
    approve,
    check,
    config,
    demo,
    deploy,
    destroy,
    doctor,
    endpoint,
    evaluate,
    labels,
    local,
    logs,
    models,
    plan,
    predict,
    prove,
    reject,
    rollback,
    runs,
    start,
    stop,
    triggers,
    upsert,
    watch,
)
from pipeline.cli import compile as compile_command

app = typer.Typer(
    name="groundloop",
    help="SageMaker Pipelines for object detection: Ground Truth labels to a deployed detector, on AWS or offline.",
    no_args_is_help=True,
    rich_markup_mode=None,  # rich costs more to import than --help may take
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.add_typer(local.app, name="local")
app.add_typer(labels.app, name="labels")
app.add_typer(config.app, name="config")
app.command("compile")(compile_command.compile_definition)
app.command("check")(check.check)
app.command("plan")(plan.plan)
app.command("upsert")(upsert.upsert)
app.command("start")(start.start)
app.command("watch")(watch.watch)
app.command("runs")(runs.runs)
app.command("stop")(stop.stop)
app.command("logs")(logs.logs)
app.command("doctor")(doctor.doctor)
app.command("prove")(prove.prove)
app.add_typer(models.app, name="models")
app.command("approve")(approve.approve)
app.command("reject")(reject.reject)
app.add_typer(triggers.app, name="triggers")
app.command("deploy")(deploy.deploy)
app.command("rollback")(rollback.rollback)
app.command("endpoint")(endpoint.endpoint)
app.command("destroy")(destroy.destroy)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)


def main() -> None:
    """Entry of the ``groundloop`` program. Exit codes: 0 done, 1 error, 2 usage or configuration, 130 Ctrl-C."""
    try:
        app()
    except Exception as error:
        text, code = _explained(error)
        if text is None:
            raise
        for line in text.splitlines():
            typer.secho(f"error: {line}", fg=typer.colors.RED, err=True)
        sys.exit(code)
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(130)


def _explained(error: Exception) -> tuple[str | None, int]:
    """The line for a mistake of the user or a refusal of AWS; None for a fault of ours, which keeps its traceback."""
    if isinstance(error, UserError):
        from groundloop.errors import ConfigError

        return str(error), 2 if isinstance(error, ConfigError) else 1
    if isinstance(error, LocalAwsError):
        return str(error), 1
    if "botocore" in sys.modules:
        from botocore.exceptions import BotoCoreError, ClientError

        from groundloop.aws import explain

        if isinstance(error, BotoCoreError | ClientError):
            return explain(error), 1
    return None, 1
