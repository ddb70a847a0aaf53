"""The `groundloop` program: its commands in groups, and every failure as one line and an exit code."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer._click.exceptions import NoArgsIsHelpError
from typer.core import TyperGroup

from pipeline.cli import (
    a2i,
    approval,
    captures,
    check,
    compile,  # noqa: A004 (the command's name)
    config,
    count,
    demo,
    deploy,
    destroy,
    doctor,
    drift,
    endpoint,
    evaluate,
    export_model,
    init,
    label,
    labeling,
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
    serve,
    start,
    stop,
    track,
    triggers,
    tune,
    upsert,
    watch,
)
from pipeline.cli.debugging import log_aws_calls
from pipeline.cli.failures import report_failure
from pipeline.cli.interruption import interrupted_by_signals
from pipeline.cli.metavars import name_metavars
from pipeline.cli.options import Assignments, ConfigFiles, set_global_options
from pipeline.cli.output import print_line

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
        "tune": tune.app,
        "report": report.report,
        "track": track.track,
    },
    "The model": {
        "models": models.app,
        "approve": approval.approve,
        "reject": approval.reject,
        "deploy": deploy.deploy,
        "rollback": rollback.rollback,
        "endpoint": endpoint.app,
        "triggers": triggers.app,
        "predict": predict.predict,
        "captures": captures.app,
        "count": count.count,
        "export-model": export_model.export_model,
        "serve": serve.serve,
        "drift": drift.drift,
    },
    "The people": {
        "label": label.label,
        "review": review.app,
        "labeling": labeling.app,
        "a2i": a2i.app,
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

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        name_metavars(self)

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


def _print_version(wanted: bool) -> None:
    if wanted:
        print_line(version_line())
        raise typer.Exit


@app.callback()
def groundloop(
    config: ConfigFiles = None,
    assignments: Assignments = None,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks and calls to AWS; also after a command.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Show the versions and exit."),
    ] = False,
) -> None:
    """SageMaker Pipelines for object detection: Ground Truth labels to a deployed detector, on AWS or offline."""
    set_global_options(config, assignments)


def version_line() -> str:
    """Return the versions of this package, Python and the SageMaker SDK, which is not imported for it."""
    import platform
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as version_of

    try:
        sdk = f"sagemaker {version_of('sagemaker')}"
    except PackageNotFoundError:
        sdk = "sagemaker not installed"
    return f"groundloop {version_of('groundloop')} (Python {platform.python_version()}, {sdk})"


def main() -> None:
    """Run the `groundloop` program.

    Exit codes: 0 success, 1 error, 2 wrong usage or configuration, 3 drift found, 130 interrupted.
    """
    arguments = sys.argv[1:]
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    debug = "--debug" in options or bool(os.environ.get("GROUNDLOOP_DEBUG"))
    if debug:
        log_aws_calls()
    try:
        with interrupted_by_signals(), warnings.catch_warnings():
            if not (debug or sys.warnoptions):
                warnings.simplefilter("ignore")  # of libraries: nothing that a user can act on
            code = app(
                args=[argument for argument in arguments if argument != "--debug"],
                prog_name="groundloop",
                standalone_mode=False,
            )
    except NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:
        sys.exit(report_failure(error, as_json="--json" in options, debug=debug))
    except KeyboardInterrupt:
        print_line("interrupted", to_stderr=True)
        sys.exit(130)
    sys.exit(code if isinstance(code, int) else 0)
