"""`groundloop tune show`: the training jobs of a search, the best first."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, PipelineName, load, suggest
from pipeline.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from groundloop.spec.tuning_search import SearchedJob, TuningSearch

TuningJobName = Annotated[
    str | None,
    typer.Argument(metavar="[TUNING_JOB]", help="Name of a tuning job; default: the pipeline's newest."),
]


def show(
    tuning_job: TuningJobName = None,
    plot: Annotated[Path | None, typer.Option(help="Folder for a page of charts, tuning.html.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the training jobs as CSV.")] = False,
    name: PipelineName = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """List the training jobs of a search, best first.

    With the values that were tried, epochs, validation mAP, and why each job ended. The mAP is the algorithm's own.

    Example: groundloop tune show --plot tuning/
    """
    settings = load(config, assignments)
    from groundloop.errors import UserError
    from groundloop.executions.tuning import find_search

    if as_csv and as_json:
        raise UserError("give either --csv or --json")
    search = find_search(settings.aws.region, name or settings.pipeline.name, tuning_job, logs=True)
    charts = None if plot is None else _write_charts(search, plot)
    if as_json:
        print_json(_as_json(search))
    elif as_csv:
        for line in _as_csv(search).splitlines():
            print_line(line)
    else:
        _print(search)
    if charts is not None:
        print_line(f"charts: {charts}", to_stderr=as_json or as_csv)


def _write_charts(search: TuningSearch, folder: Path) -> Path:
    from groundloop.errors import UserError
    from groundloop.report.tuning_charts import write_tuning_charts

    try:
        return write_tuning_charts(search, folder)
    except OSError as error:
        raise UserError(f"--plot {folder}: can't be written: {error.strerror}") from None


def _print(search: TuningSearch) -> None:
    ended = sum(job.ended is not None for job in search.jobs)
    limit = f" of at most {search.max_jobs}" if search.max_jobs else ""
    print_line(f"{search.name}: {search.status}, {search.strategy}, {ended}{limit} training jobs have ended")
    if search.reason:
        print_line(search.reason)
    if not search.jobs:
        print_line("no training job has started yet")
        return
    from groundloop.spec.tuning_search import value_text

    print_table(
        ("", "training job", *search.tuned, "epochs", "mAP", "status", "ended because"),
        [
            (
                number,
                f"...-{search.label(job)}",
                *(value_text(job.values.get(name, "")) for name in search.tuned),
                _epochs(search, job),
                "" if job.objective is None else f"{job.objective:.3f}",
                job.status,
                search.end_of(job),
            )
            for number, job in enumerate(search.ranked, start=1)
        ],
        right=("epochs", "mAP"),
    )
    if search.best is not None:
        print_line(f"\nnext: {suggest('tune', 'apply', search.name, '-o', 'configs/tuned.yaml')}")


def _epochs(search: TuningSearch, job: SearchedJob) -> str:
    if job.epochs is None:
        return ""
    return f"{job.epochs}/{search.epochs}" if search.epochs is not None else str(job.epochs)


def _rows(search: TuningSearch) -> list[dict[str, Any]]:
    return [
        {
            "job": job.name,
            "values": {name: job.values.get(name) for name in search.tuned},
            "epochs": job.epochs,
            "map": job.objective,
            "status": job.status,
            "ended_because": search.end_of(job),
            "seconds": job.seconds,
        }
        for job in search.ranked
    ]


def _as_json(search: TuningSearch) -> dict[str, Any]:
    return {
        "format": 1,
        "tuning_job": search.name,
        "arn": search.arn,
        "status": search.status,
        "reason": search.reason,
        "strategy": search.strategy,
        "metric": search.metric,
        "max_jobs": search.max_jobs,
        "epochs": search.epochs,
        "best": search.best_name or None,
        "jobs": _rows(search),
    }


def _as_csv(search: TuningSearch) -> str:
    text = io.StringIO()
    rows = _rows(search)
    columns = ["job", *search.tuned, "epochs", "map", "status", "ended_because", "seconds"]
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row.pop("values"), **row} for row in rows)
    return text.getvalue()
