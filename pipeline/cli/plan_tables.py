"""The tables of `groundloop plan`: which steps run, and the cost estimate."""

from __future__ import annotations

from pipeline.cli.output import print_line, print_table, terminal_width
from pipeline.plan.cost_estimate import CostEstimate, CostItem, SearchBounds
from pipeline.plan.planning import PipelinePlan
from pipeline.plan.rendering import wrapped


def print_forecast(pipeline: PipelinePlan) -> None:
    """Print which steps the next execution runs, why, and which it takes from the cache."""
    print_line(f"\nnext execution of {pipeline.name}")
    rows = [
        (
            "runs" if step.certain else "may run",
            step.step,
            f"{step.reason} ({step.branch})" if step.branch else step.reason,
        )
        for step in pipeline.forecasts
        if step.reruns
    ]
    if cached := [step.step for step in pipeline.forecasts if not step.reruns]:
        condition = "if the last execution used these defaults and is recent enough"
        rows.append(("cached", ", ".join(cached), condition))
    print_table(("", "", ""), rows, indent=2)


def print_estimate(pipeline: PipelinePlan) -> None:
    """Print the most that one execution can cost, an item for each step with instances."""
    estimate = pipeline.cost_estimate
    print_line(f"\ncost estimate: at most, for one execution of {pipeline.name}")
    rows = [(item.step, item.instance_type, _duration(item), _dollars(item)) for item in estimate.items]
    rows.append(("total", "", _total_hours(estimate), "" if estimate.usd is None else _usd(estimate.usd)))
    print_table(("", "", "", ""), rows, indent=2)
    for item in estimate.items:
        if item.search is not None:
            for line in wrapped(_search(item, item.search), "  ", terminal_width()):
                print_line(line)


def _search(item: CostItem, search: SearchBounds) -> str:
    """Write both bounds of a tuning job's hours."""
    count = f" x {item.instance_count} instances" if item.instance_count > 1 else ""

    def bound(hours: float | None, factors: str) -> list[str]:
        if hours is None:
            return []
        usd = "" if item.hourly_usd is None else f", {_usd(item.hourly_usd * hours)}"
        return [f"{factors}{count} = {hours:g} h{usd}"]

    jobs = bound(search.hours_by_jobs, f"{search.jobs} jobs x {search.job_hours:g} h")
    at_a_time = "1 job" if search.parallel_jobs == 1 else f"{search.parallel_jobs} jobs"
    time = bound(search.hours_by_search, f"{at_a_time} at a time x {search.search_hours:g} h")
    bounds = [*jobs, *time]
    which = ": the smaller bound counts" if len(bounds) > 1 else ""
    return f"{item.step}: {'; or '.join(bounds) or 'no limit'}{which}; early stopping lowers the bill, not the bound"


def _duration(item: CostItem) -> str:
    if item.hours is None:
        return f"no limit: {item.component} has no stopping condition"
    factors = [f"{item.instance_count} instances"] if item.instance_count > 1 else []
    factors += [f"{item.attempts} attempts"] if item.attempts > 1 else []
    each = item.hours / item.instance_count / item.attempts
    if item.search is not None:  # both bounds stand below
        factors, each = factors[1:] if item.instance_count > 1 else factors, item.hours / item.attempts
    product = f" ({' x '.join([*factors, f'{each:g} h'])})" if factors else ""
    return f"{item.hours:g} h{' of spot' if item.spot else ''}{product}"


def _dollars(item: CostItem) -> str:
    if item.hours is None:
        return "" if item.hourly_usd is None else f"{_usd(item.hourly_usd * item.instance_count)} an hour"
    return "" if item.usd is None else _usd(item.usd)


def _total_hours(estimate: CostEstimate) -> str:
    hours = [f"{hours:g} h {instance}" for instance, hours in estimate.hours(spot=False).items()]
    hours += [
        f"{hours:g} h {instance} spot, at most its on-demand price"
        for instance, hours in estimate.hours(spot=True).items()
    ]
    unlimited = [item.step for item in estimate.items if item.hours is None]
    return ", ".join(hours or ["no instances"]) + (f"; plus {', '.join(unlimited)}" if unlimited else "")


def _usd(usd: float) -> str:
    return f"${usd:,.2f}" if usd >= 0.1 else f"${usd:.4f}"
