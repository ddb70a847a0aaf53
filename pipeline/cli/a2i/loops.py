"""`groundloop a2i status`, `stop` and `delete`."""

from __future__ import annotations

from collections import Counter

from pipeline.cli.a2i.create import FlowName
from pipeline.cli.options import AsJson, Assignments, ConfigFiles, Yes, region_of, suggest
from pipeline.cli.output import is_declined, print_json, print_line, print_values

_ENDED = ("Completed", "Failed", "Stopped")


def status(
    flow: FlowName,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Show how far human loops are, and why some failed.

    Example: groundloop a2i status week-47
    """
    from groundloop.aws import client
    from groundloop.labeling.flows import FAILURES, failure_code, find_flow, loops
    from groundloop.labeling.loop_outputs import output_uris

    region = region_of(config, assignments)
    found = find_flow(region, flow)
    there = list(loops(region, found))
    outputs = output_uris(client("s3", region), found.output_uri)
    counts = Counter(loop.status for loop in there)
    failed = Counter(failure_code(region, loop.name) for loop in there if loop.status == "Failed")
    deleted = len(set(outputs) - {loop.name for loop in there})
    if as_json:
        print_json(
            {
                "flow": flow,
                "status": found.status,
                "loops": dict(counts),
                "failures": dict(failed),
                "outputs": len(outputs),
                "deleted_with_output": deleted,
            }
        )
        return
    values: dict[str, object] = {"flow": flow, "status": found.status}
    if found.failure:
        values["failure"] = found.failure
    values["human loops"] = ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none"
    values["outputs"] = f"{len(outputs)}" + (f", {deleted} of them of loops that were deleted" if deleted else "")
    print_values(values)
    for code, count in failed.most_common():
        print_line(f"{count} failed with {code or 'no code'}: {FAILURES.get(code, 'see groundloop a2i status --json')}")
    if outputs:
        print_line(f"their labels:  {suggest('a2i', 'collect', flow)}")


def stop(
    flow: FlowName,
    yes: Yes = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Stop the human loops that are running.

    Example: groundloop a2i stop week-47
    """
    from groundloop.labeling.flows import find_flow, loops, stop_loops

    region = region_of(config, assignments)
    running = [loop.name for loop in loops(region, find_flow(region, flow)) if loop.status == "InProgress"]
    if not running:
        print_line(f"no human loop of {flow} is running")
        return
    if not yes and is_declined(f"Stop {len(running)} human loops?", "nothing was stopped"):
        return
    print_line(f"stopped {stop_loops(region, running)} human loops")


def delete(
    flow: FlowName,
    yes: Yes = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Delete the human loops that have ended.

    Their outputs stay in S3 and are collected as before.

    Example: groundloop a2i delete week-47
    """
    from groundloop.labeling.flows import delete_loops, find_flow, loops

    region = region_of(config, assignments)
    ended = [loop.name for loop in loops(region, find_flow(region, flow)) if loop.status in _ENDED]
    if not ended:
        print_line(f"no human loop of {flow} has ended")
        return
    if not yes and is_declined(f"Delete {len(ended)} human loops?", "nothing was deleted"):
        return
    print_line(f"deleted {delete_loops(region, ended)} human loops; their outputs stay")
