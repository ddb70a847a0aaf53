"""`groundloop tune apply`: an overlay with the values of a search's best training job."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import AsJson, Assignments, ConfigFiles, PipelineName, load
from pipeline.cli.output import print_json, print_line
from pipeline.cli.tune.show import TuningJobName

if TYPE_CHECKING:
    from groundloop.spec.tuning_search import SearchedJob, TuningSearch


def apply(
    tuning_job: TuningJobName = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write; none is overwritten.")] = Path(
        "configs/tuned.yaml"
    ),
    name: PipelineName = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Write the best job's values as an overlay.

    Later trainings use it beside the project's configuration: `--config configs/tuned.yaml`.

    Example: groundloop tune apply -o configs/tuned.yaml
    """
    settings = load(config, assignments)
    from groundloop.errors import UserError
    from groundloop.executions.tuning import find_search

    if out.exists():
        raise UserError(f"{out} exists, and is not overwritten: name another file with -o")
    search = find_search(settings.aws.region, name or settings.pipeline.name, tuning_job)
    best = search.best
    if best is None or best.objective is None:
        raise UserError(f"{search.name} is {search.status} and has no best training job: there are no values to apply")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(schema_comment(out.parent) + overlay(search, best), encoding="utf-8")
    except OSError as error:
        raise UserError(f"--out {out}: can't be written: {error.strerror}") from None
    if as_json:
        print_json({"file": str(out), "tuning_job": search.name, "training_job": best.name, "values": best.values})
        return
    print_line(f"wrote {out}: the values of {best.name}, validation mAP {best.objective:.3f}")
    print_line(f"next: groundloop plan, with --config {out} after your other files")


def schema_comment(folder: Path) -> str:
    """Return the line that leads editors from a file in this folder to the project's schema; empty without one."""
    from pipeline.config.project import SCHEMA_FILE

    for schema in (folder / "schema.json", Path(SCHEMA_FILE)):
        if schema.is_file():
            return f"# yaml-language-server: $schema={Path(os.path.relpath(schema, folder)).as_posix()}\n"
    return ""


def overlay(search: TuningSearch, best: SearchedJob) -> str:
    """Return the YAML text of the overlay."""
    from groundloop.spec.object_detection import HYPERPARAMETERS

    ended = f", {search.ended:%Y-%m-%d}" if search.ended else ""
    objective = "" if best.objective is None else f"{best.objective:.4f}"
    lines = [
        f"# The best values of the search {search.name} ({search.strategy}, {len(search.jobs)} training jobs{ended}):",
        f"# training job {best.name}, {search.metric} {objective}.",
        "",
        "training:",
        "  hyperparameters:",
    ]
    for name in search.tuned:
        text = best.values[name]
        # Without an exponent, since YAML 1.1 would take 1e-05 as text.
        if name in HYPERPARAMETERS and HYPERPARAMETERS[name].type is float:
            text = f"{Decimal(text):f}"
        lines.append(f"    {name}: {text}")
    return "\n".join(lines) + "\n"
