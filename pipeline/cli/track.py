"""`groundloop track`: executions logged as runs of MLflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, PipelineName, load
from pipeline.cli.output import print_json, print_line, print_warning

if TYPE_CHECKING:
    from groundloop.tracking.export import ExportResult

_ALL = 1000


def track(
    executions: Annotated[
        list[str] | None, typer.Argument(metavar="[EXECUTION]...", help="ARNs or ids; default: the latest execution.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All executions of the pipeline, up to 1,000.")] = False,
    to: Annotated[
        str | None, typer.Option("--to", metavar="URI", help="Tracking URI; default: tracking.mlflow.")
    ] = None,
    experiment: Annotated[
        str | None, typer.Option(help="Name of the experiment; default: tracking.experiment, or the pipeline's name.")
    ] = None,
    name: PipelineName = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Log executions to MLflow, one run for each.

    A run that is there already is completed: nothing is logged twice. A search for hyperparameters has a run for each
    of its training jobs below that of the execution. With --all, an execution whose files are gone is named and left
    out, and the exit code is 1.

    Example: groundloop track --all --to sqlite:///mlflow.db
    """
    settings = load(config, assignments)
    from groundloop.errors import UserError
    from groundloop.executions.control import resolve
    from groundloop.executions.listing import list_arns
    from groundloop.tracking.destination import check_experiment, check_tracking_uri
    from groundloop.tracking.executions import run_of_execution
    from groundloop.tracking.export import export_run

    if every and executions:
        raise UserError("--all means every execution: give it, or name executions, not both")
    uri = to or settings.tracking.mlflow
    if uri is None:
        raise UserError("no tracking server is configured: give --to URI, or set tracking.mlflow")
    check_tracking_uri(uri)
    pipeline, region = name or settings.pipeline.name, settings.aws.region
    where = (settings.tracking.experiment or pipeline) if experiment is None else experiment
    check_experiment(where)
    if every:
        arns = list_arns(region, pipeline, _ALL)
    else:
        wanted: list[str | None] = [*executions] if executions else [None]
        arns = [resolve(region, pipeline, execution) for execution in wanted]
    if not arns:
        raise UserError(f"pipeline {pipeline!r} has no execution yet: run `groundloop start`")
    from groundloop.tracking.mlflow_store import MlflowStore
    from groundloop.tracking.store import TrackingError

    store = MlflowStore(uri)
    logged, failed = [], []
    for arn in arns:
        try:
            result = export_run(store, where, run_of_execution(region, arn))
        except TrackingError:
            raise
        except UserError as error:  # of this execution; such as files that are gone
            if not every:
                raise
            failed.append({"execution": arn, "error": str(error)})
            print_warning(f"{arn.rpartition('/')[2]} was not logged: {error}")
            continue
        logged.append({"execution": arn, "run": result.run, "created": result.created, "added": result.added})
        if not as_json:
            print_line(_describe(arn, result))
        if result.kept_params:
            print_warning(
                f"{arn.rpartition('/')[2]}: MLflow never changes a parameter, so it keeps its values of "
                f"{', '.join(result.kept_params)}"
            )
    if as_json:
        print_json({"uri": uri, "experiment": where, "runs": logged, "failed": failed})
    if failed:
        raise typer.Exit(1)


def _describe(arn: str, result: ExportResult) -> str:
    update = f"updated, {result.added} added" if result.added else "up to date"
    what = "logged" if result.created else update
    return f"{arn.rpartition('/')[2]}: {what} (run {result.run})"
