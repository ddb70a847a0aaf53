"""The `groundloop` program: its commands in groups, and every failure as one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from groundloop.errors import UserError
from groundloop.local.errors import LocalAwsError
from pipeline.cli import (
    approval,
    check,
    compile,  # noqa: A004 (the command's name)
    config,
    demo,
    deploy,
    destroy,
    doctor,
    endpoint,
    evaluate,
    init,
    label,
    labels,
    local,
    logs,
    models,
    plan,
    predict,
    prove,
    report,
    review,
    rollback,
    runs,
    start,
    stop,
    triggers,
    upsert,
    watch,
)
from pipeline.cli.output import print_error, print_line

#: The commands as `--help` groups them.
COMMANDS: dict[str, dict[str, typer.Typer | Callable[..., None]]] = {
    "The data": {
        "labels": labels.app,
        "evaluate": evaluate.evaluate,
    },
    "The pipeline": {
        "config": config.app,
        "compile": compile.compile_definition,
        "check": check.check,
        "plan": plan.plan,
        "upsert": upsert.upsert,
        "start": start.start,
        "watch": watch.watch,
        "runs": runs.runs,
        "stop": stop.stop,
        "logs": logs.logs,
        "report": report.report,
    },
    "The model": {
        "models": models.app,
        "approve": approval.approve,
        "reject": approval.reject,
        "deploy": deploy.deploy,
        "rollback": rollback.rollback,
        "endpoint": endpoint.endpoint,
        "triggers": triggers.app,
        "predict": predict.predict,
    },
    "The people": {
        "label": label.label,
        "review": review.app,
    },
    "The environment": {
        "init": init.init,
        "doctor": doctor.doctor,
        "prove": prove.prove,
        "demo": demo.demo,
        "local": local.app,
        "destroy": destroy.destroy,
    },
}


class GroupedCommands(TyperGroup):
    """A command group whose help lists the commands under the headings of `COMMANDS`."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write one section for each heading."""
        width = max(map(len, self.commands))
        for heading, commands in COMMANDS.items():
            rows = [
                (name.ljust(width), self.commands[name].get_short_help_str(formatter.width - 6 - width))
                for name in commands
            ]
            with formatter.section(heading):
                formatter.write_dl(rows)


app = typer.Typer(
    name="groundloop",
    cls=GroupedCommands,
    help="SageMaker Pipelines for object detection: Ground Truth labels to a deployed detector, on AWS or offline.",
    no_args_is_help=True,
    rich_markup_mode=None,  # Rich takes longer to import than --help may take
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _commands in COMMANDS.values():
    for _name, _command in _commands.items():
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, name=_name)
        else:
            app.command(_name)(_command)


def main() -> None:
    """Run the `groundloop` program.

    Exit codes: 0 success, 1 error, 2 wrong usage or configuration, 130 interrupted.
    """
    try:
        app()
    except Exception as error:
        lines, code = _explained(error)
        if not lines:
            raise
        print_error(*lines)
        sys.exit(code)
    except KeyboardInterrupt:
        print_line("interrupted", to_stderr=True)
        sys.exit(130)


def _explained(error: Exception) -> tuple[Sequence[str], int]:
    """Return the message's lines and the exit code of a user's mistake or an AWS error.

    A bug of ours has no message: it keeps its traceback.
    """
    if isinstance(error, UserError):
        from groundloop.errors import ConfigError

        return error.lines, 2 if isinstance(error, ConfigError) else 1
    if isinstance(error, LocalAwsError):
        return str(error).splitlines(), 1
    if "botocore" in sys.modules:
        from botocore.exceptions import BotoCoreError, ClientError

        from groundloop.aws import explain

        if isinstance(error, BotoCoreError | ClientError):
            return explain(error).splitlines(), 1
    return (), 1
