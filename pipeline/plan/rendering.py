"""A plan as lines: plain, the signs + ~ - first; on a terminal broken at its width, under the text they belong to."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from pipeline.plan.cache_forecast import Run
from pipeline.plan.changes import Change
from pipeline.plan.cost_estimate import CostEstimate, CostItem
from pipeline.plan.endpoint import EndpointPlan
from pipeline.plan.planning import PipelinePlan, Plan

_SIGNS = {"created": "+", "updated": "~", "unchanged": "="}
_TITLES = {
    "pipeline": "pipeline ",
    "parameter": "parameter ",
    "trigger": "trigger ",
    "group": "model package group ",
    "endpoint": "endpoint ",
}
_FILES = 4


def plan_lines(plan: Plan, width: int | None) -> Iterator[str]:
    """The whole plan.

    Args:
        width: Columns to break lines at; None: each line whole.
    """
    for pipeline in plan.pipelines:
        yield from _pipeline(pipeline, width)
    for change in plan.others:
        yield from _wrapped(change_line(change), "", width)
    if plan.endpoint is not None:
        yield from _endpoint(plan.endpoint, width)
    for pipeline in plan.pipelines:
        yield ""
        yield from _next_execution(pipeline, width)
    for pipeline in plan.pipelines:
        yield ""
        yield from _bill(pipeline, width)
    yield ""
    yield from _wrapped(_about_prices(plan), "", width)
    yield _summary(plan)


def change_line(change: Change) -> str:
    """One change: ``~ Train  HyperParameters.epochs: 30 → 80``."""
    if change.kind == "code":
        listed = f": {', '.join(change.files[:_FILES])}" if change.files else ""
        more = f" and {len(change.files) - _FILES} more" if len(change.files) > _FILES else ""
        return f"~ code of {change.name} changed{listed}{more}"
    if change.kind == "upload":
        return f"+ {change.name}: uploaded again, {change.new}"
    if change.kind == "dependency":
        return f"{change.sign} {change.name}  after {change.new or change.old}"
    title = _TITLES.get(change.kind, "") + change.name
    if change.kind == "step" and not change.path:
        title = f"step {title}"
    place = f"  {change.path}" if change.path else ""
    by = f"  (parameter {', '.join(change.by)})" if change.by else ""
    return f"{change.sign} {title}{place}{_values(change)}{by}"


def _values(change: Change) -> str:
    if change.old is None and change.new is None:
        return ""
    if change.old is None or change.new is None:
        separator = ": " if change.path else "  "
        return f"{separator}{_shown(change.new if change.old is None else change.old)}"
    return f": {_shown(change.old)} → {_shown(change.new)}"


def _shown(text: str | None) -> str:
    return text if text else '""'


def _pipeline(pipeline: PipelinePlan, width: int | None) -> Iterator[str]:
    yield f"{_SIGNS[pipeline.action]} pipeline {pipeline.name}: {pipeline.action.replace('unchanged', 'no change')}"
    records: dict[str, list[str]] = {}
    for change in pipeline.changes:
        if change.kind == "record":
            records.setdefault(change.name, []).append(change.path)
        elif change.sign != "+" or change.kind != "pipeline" or change.path:
            yield from _wrapped(change_line(change), "  ", width)
    for step, paths in records.items():
        names = list(dict.fromkeys(_last(path) for path in paths))
        yield from _wrapped(f"~ {step}  notes the configuration in each version: {', '.join(names)}", "  ", width)
    for warning in pipeline.warnings:
        yield from _wrapped(f"! {warning}", "  ", width)


def _last(path: str) -> str:
    """The telling end of a path into a card or into metadata."""
    return path.removesuffix(".value").rsplit(".", 1)[-1]


def _endpoint(endpoint: EndpointPlan, width: int | None) -> Iterator[str]:
    if not endpoint.status:
        yield f"  endpoint {endpoint.name}: none yet; the first deployment makes it"
        return
    serves = f"serves version {endpoint.version}" if endpoint.version else "serves none of the group's versions"
    if not endpoint.changes:
        yield f"  endpoint {endpoint.name}: {endpoint.status}, {serves}, as configured"
        return
    yield f"  endpoint {endpoint.name}: {endpoint.status}, {serves}; upsert leaves it, the next deployment changes:"
    for change in endpoint.changes:
        yield from _wrapped(f"{change.sign} {change.path}{_values(change)}", "  ", width)


def _next_execution(pipeline: PipelinePlan, width: int | None) -> Iterator[str]:
    again = [run for run in pipeline.runs if run.again]
    cached = [run.step for run in pipeline.runs if not run.again]
    yield f"next execution of {pipeline.name}"
    names = max((len(run.step) for run in again), default=0)
    for run in again:
        yield from _wrapped(f"runs   {run.step:<{names}}  {_why(run)}", "  ", width, hang=11 + names)
    if cached:
        text = f"cached {', '.join(cached)}: if the last execution had these defaults and is recent enough"
        yield from _wrapped(text, "  ", width, hang=9)


def _why(run: Run) -> str:
    return f"{run.why} ({run.reached})" if run.reached else run.why


def _bill(pipeline: PipelinePlan, width: int | None) -> Iterator[str]:
    bill = pipeline.bill
    yield f"one execution of {pipeline.name} bills at most"
    names = max(len(word) for word in ["together", *(item.step for item in bill.items)])
    types = max((len(item.instance) for item in bill.items), default=0)
    for item in bill.items:
        yield from _wrapped(f"{item.step:<{names}}  {item.instance:<{types}}  {_item(item)}", "  ", width,
                            hang=names + types + 6)  # fmt: skip
    yield from _wrapped(f"{'together':<{names}}  {_together(bill)}", "  ", width, hang=4 + names)


def _item(item: CostItem) -> str:
    spot = " of spot" if item.spot else ""
    if item.hours is None:
        price = f", {_usd(item.hourly_usd * item.machines)} an hour" if item.hourly_usd is not None else ""
        return f"no bound{price}: {item.component} has no stopping condition"
    times = [f"{item.machines} machines"] if item.machines > 1 else []
    times += [f"{item.attempts} attempts"] if item.attempts > 1 else []
    each = item.hours / item.machines / item.attempts
    worked = f" ({' x '.join([*times, f'{each:g} h'])})" if times else ""
    usd = f"  {_usd(item.usd)}" if item.usd is not None else ""
    return f"{item.hours:g} h{spot}{worked}{usd}"


def _together(bill: CostEstimate) -> str:
    found = [f"{hours:g} h {instance}" for instance, hours in bill.hours(spot=False).items()]
    found += [
        f"{hours:g} h {instance} spot, at most its price on demand" for instance, hours in bill.hours(spot=True).items()
    ]
    unbounded = [item.step for item in bill.items if item.hours is None]
    usd = f"{_usd(bill.usd)}: " if bill.usd is not None else ""
    beside = f"; {', '.join(unbounded)} comes on top" if unbounded else ""
    return f"{usd}{', '.join(found) or 'no machines'}{beside}"


def _usd(usd: float | None) -> str:
    return f"${usd:,.2f}" if usd is None or usd >= 0.1 else f"${usd:.4f}"


def _about_prices(plan: Plan) -> str:
    items = [item for pipeline in plan.pipelines for item in pipeline.bill.items]
    sources = sorted({item.price_from for item in items if item.price_from})
    missing = sorted({item.instance for item in items if item.hourly_usd is None})
    told = "counted: machines of steps, every step and retry run to its limit; not storage, requests, the endpoint. "
    told += f"Prices: {', '.join(sources)}" if sources else "Prices: none, so hours only"
    if missing and sources:
        told += f"; none for {', '.join(missing)}"
    if missing:
        told += f" ({plan.no_prices or 'the AWS Pricing API lists none'}; costs.hourly_usd takes own ones)"
    return told


def _summary(plan: Plan) -> str:
    if not plan.differs:
        return "no changes: upsert has nothing to do"
    counts = {sign: sum(change.sign == sign for change in plan.changes if change.kind != "record") for sign in "+~-"}
    return f"plan: {counts['+']} to add, {counts['~']} to change, {counts['-']} to remove"


def _wrapped(text: str, indent: str, width: int | None, hang: int | None = None) -> Iterator[str]:
    if width is None:
        yield indent + text
        return
    yield from textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=" " * (hang if hang is not None else len(indent) + 4),
        break_on_hyphens=False, break_long_words=True, drop_whitespace=True,
    )  # fmt: skip
