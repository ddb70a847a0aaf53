"""`groundloop labeling status` and `stop`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.labeling.creating import JobName
from pipeline.cli.options import AsJson, Assignments, ConfigFiles, Yes, region_of, suggest
from pipeline.cli.output import is_declined, print_json, print_line, print_table, print_values

if TYPE_CHECKING:
    from groundloop.labeling.jobs import JobState

_NEWEST = 20


def status(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Labelling job; default: the newest 20.")] = None,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Show how far labelling jobs are, and why one failed.

    Example: groundloop labeling status week-47
    """
    from groundloop.labeling.jobs import describe, listed

    region = region_of(config, assignments)
    if name is None:
        states = list(listed(region, _NEWEST))
        if as_json:
            print_json([_as_json(state) for state in states])
        elif states:
            rows = [(one.name, one.status, f"{one.labelled}/{one.objects}", one.failed) for one in states]
            print_table(("job", "status", "labelled", "failed"), rows, right=("labelled", "failed"))
        else:
            print_line("there is no labelling job")
        return
    state = describe(region, name)
    if as_json:
        print_json(_as_json(state))
    else:
        _print(state)


def stop(
    name: JobName,
    yes: Yes = False,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Stop a labelling job; the labels that there are stay.

    Example: groundloop labeling stop week-47
    """
    from groundloop.labeling.jobs import stop as stop_job

    region = region_of(config, assignments)
    if not (yes or as_json) and is_declined(f"Stop labelling job {name}?", "nothing was stopped"):
        return
    state = stop_job(region, name)
    if as_json:
        print_json(_as_json(state))
    else:
        print_line(f"labelling job {name}: {state.status}; what is labelled:  {suggest('labeling', 'outputs', name)}")


def _print(state: JobState) -> None:
    from groundloop.labeling.jobs import explain_failure

    values: dict[str, object] = {
        "job": state.name,
        "status": state.status,
        "labelled": f"{state.labelled} of {state.objects} images: {state.by_people} by people, {state.by_model} by a "
        "model",
        "failed": state.failed,
        "label attribute": state.attribute,
        "created": f"{state.created:%Y-%m-%d %H:%M}, changed {state.changed:%Y-%m-%d %H:%M}",
    }
    if state.failure:
        values["failure"] = state.failure
        if meaning := explain_failure(state.failure):
            values[""] = f"-> {meaning}"
    print_values(values)
    if state.failed:
        print_line(
            f"note: {state.failed} images have no label, as nobody answered in time or they can't be shown: the output "
            "has failure-reason on their lines, and another job of the same images labels only them"
        )
    if not state.is_running and state.labelled:
        print_line(f"its labels:  {suggest('labeling', 'outputs', state.name)}")


def _as_json(state: JobState) -> dict[str, Any]:
    from dataclasses import asdict

    return {**asdict(state), "created": state.created.isoformat(), "changed": state.changed.isoformat()}
