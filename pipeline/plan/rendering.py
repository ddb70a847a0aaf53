"""A plan as lines of text: changes begin with + ~ or -; on a terminal they are folded at its width."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from groundloop.models.desired_endpoint import conversion_message, one_way_message
from groundloop.spec.instance_types import is_retired
from groundloop.spec.object_detection import CURRENT_INSTANCE_TYPES
from pipeline.config import Config
from pipeline.plan.changes import Change
from pipeline.plan.endpoint import EndpointPlan
from pipeline.plan.planning import PipelinePlan, Plan
from steps.train.settings import CHAMPION

_SIGNS = {"created": "+", "updated": "~", "unchanged": "="}
_TITLES = {
    "pipeline": "pipeline ",
    "parameter": "parameter ",
    "trigger": "trigger ",
    "group": "model package group ",
    "endpoint": "endpoint ",
}
_MAX_FILES = 4


def change_lines(plan: Plan, width: int | None) -> Iterator[str]:
    """Write all changes of a plan, and the endpoint against the configuration.

    Args:
        width: columns to fold lines at; None leaves each line whole.
    """
    for pipeline in plan.pipelines:
        yield from _pipeline(pipeline, width)
    for change in plan.others:
        yield from wrapped(change_line(change), "", width)
    if plan.endpoint is not None:
        yield from _endpoint(plan.endpoint, width)


def change_line(change: Change) -> str:
    """Write one change as a line: `~ Train  HyperParameters.epochs: 30 → 80`."""
    if change.kind == "code":
        listed = f": {', '.join(change.files[:_MAX_FILES])}" if change.files else ""
        more = f" and {len(change.files) - _MAX_FILES} more" if len(change.files) > _MAX_FILES else ""
        return f"~ code of {change.name} changed{listed}{more}"
    if change.kind == "upload":
        return f"+ {change.name}: uploaded again, {change.new}"
    if change.kind == "dependency":
        return f"{change.sign} {change.name}  after {change.new or change.old}"
    title = _TITLES.get(change.kind, "") + change.name
    if change.kind == "step" and not change.path:
        title = f"step {title}"
    path = f"  {change.path}" if change.path else ""
    parameters = f"  (parameter {', '.join(change.parameters)})" if change.parameters else ""
    return f"{change.sign} {title}{path}{_values(change)}{parameters}"


def prices_note(plan: Plan) -> str:
    """Say what the cost estimate includes and where its prices are from."""
    items = [item for pipeline in plan.pipelines for item in pipeline.cost_estimate.items]
    sources = sorted({item.price_source for item in items if item.price_source})
    missing = sorted({item.instance_type for item in items if item.hourly_usd is None})
    note = "The estimate covers the instances of all steps, each run and retried up to its limit; "
    note += "not storage, requests or the endpoint. "
    note += f"Prices: {', '.join(sources)}" if sources else "Prices: none, so hours only"
    if missing and sources:
        note += f"; none for {', '.join(missing)}"
    if missing:
        reason = plan.no_prices or "the AWS Pricing API lists none"
        note += f" ({reason}; set your own in costs.hourly_usd)"
    return note


def summary_line(plan: Plan) -> str:
    """Count the changes."""
    if not plan.differs:
        return "no changes: upsert has nothing to do"
    counts = {sign: sum(change.sign == sign for change in plan.changes if change.kind != "record") for sign in "+~-"}
    return f"plan: {counts['+']} to add, {counts['~']} to change, {counts['-']} to remove"


def wrapped(text: str, indent: str, width: int | None) -> Iterator[str]:
    """Fold a text at a width, if there is one; the lines after the first are indented further."""
    if width is None:
        yield indent + text
        return
    yield from textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=" " * (len(indent) + 4), break_on_hyphens=False
    )


def _values(change: Change) -> str:
    if change.old is None and change.new is None:
        return ""
    if change.old is None or change.new is None:
        separator = ": " if change.path else "  "
        return f"{separator}{_quoted_if_empty(change.new if change.old is None else change.old)}"
    return f": {_quoted_if_empty(change.old)} → {_quoted_if_empty(change.new)}"


def _quoted_if_empty(text: str | None) -> str:
    return text or '""'


def _pipeline(pipeline: PipelinePlan, width: int | None) -> Iterator[str]:
    yield f"{_SIGNS[pipeline.action]} pipeline {pipeline.name}: {pipeline.action.replace('unchanged', 'no change')}"
    records: dict[str, list[str]] = {}
    for change in pipeline.changes:
        if change.kind == "record":
            records.setdefault(change.name, []).append(change.path)
        elif change.sign != "+" or change.kind != "pipeline" or change.path:
            yield from wrapped(change_line(change), "  ", width)
    for step, paths in records.items():
        names = list(dict.fromkeys(_last_name(path) for path in paths))
        yield from wrapped(f"~ {step}  metadata of registered versions: {', '.join(names)}", "  ", width)
    for warning in pipeline.warnings:
        yield from wrapped(f"! {warning}", "  ", width)


def _last_name(path: str) -> str:
    """Return the last name of a path into a model card or metadata."""
    return path.removesuffix(".value").rsplit(".", 1)[-1]


def instance_note(config: Config) -> str:
    """Say that the training instance type is of a retired generation, and which to use; empty if it is current."""
    chosen = config.training.instance_type
    if not is_retired(chosen):
        return ""
    types = " or ".join(f"--set training.instance_type={name}" for name in CURRENT_INSTANCE_TYPES)
    return f"note: EC2 retires the generation of {chosen}; `groundloop doctor` says whether you get it, else {types}"


def start_note(config: Config) -> str:
    """Say which model training starts from; empty if none."""
    model = config.training.start_from
    if model is None:
        return ""
    if model == CHAMPION:
        return (
            f"Train starts from the champion, the highest approved version of {config.registry.group} when the "
            "execution runs; its classes and their order stay"
        )
    name = f"version {model} of {config.registry.group}" if isinstance(model, int) else model
    return f"Train starts from {name}; its classes and their order stay"


def _endpoint(endpoint: EndpointPlan, width: int | None) -> Iterator[str]:
    if not endpoint.status:
        yield f"  endpoint {endpoint.name}: none yet; the first deployment creates it"
        return
    serves = f"serves version {endpoint.version}" if endpoint.version else "serves no version of the group"
    if not endpoint.changes:
        yield f"  endpoint {endpoint.name}: {endpoint.status}, {serves}, as configured"
        return
    yield f"  endpoint {endpoint.name}: {endpoint.status}, {serves}; not changed by upsert but by the next deployment:"
    for change in endpoint.changes:
        yield from wrapped(f"{change.sign} {change.path}{_values(change)}", "  ", width)
        if change.path == "kind" and "serverless" in (change.old, change.new):
            message = conversion_message if change.new == "serverless" else one_way_message
            yield from wrapped(f"! {message(endpoint.name)}", "  ", width)
