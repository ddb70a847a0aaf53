"""The plan: all that upsert would change, which steps then run again, and what an execution can cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from groundloop.aws import offline_endpoint
from pipeline.config import Config
from pipeline.deployed import DeployedPipeline
from pipeline.desired import DesiredPipeline, definition_warnings, desired_pipelines, job_archives
from pipeline.job_archive import JobArchive
from pipeline.plan.cache_forecast import Run, runs
from pipeline.plan.changes import Change, Sign, differences
from pipeline.plan.cost_estimate import CostEstimate, estimate_cost
from pipeline.plan.deployed_state import DeployedState, read_deployed_state
from pipeline.plan.endpoint import EndpointPlan, endpoint_plan
from pipeline.plan.flatten import FlatDefinition, read
from pipeline.plan.job_code import changed_files
from pipeline.plan.prices import Prices
from pipeline.plan.trigger_diff import Facts, desired_rules
from pipeline.upsert import Action, check_account, check_bucket

_NOTHING = FlatDefinition({}, {}, {})


@dataclass(frozen=True)
class PipelinePlan:
    """One pipeline: what upsert does to it, and what its next execution does."""

    name: str
    action: Action
    changes: list[Change]
    runs: list[Run]
    bill: CostEstimate
    warnings: list[str]

    def as_json(self) -> dict[str, Any]:
        """For ``--json``; these keys stay."""
        return {
            "name": self.name,
            "action": self.action,
            "changes": [change.as_json() for change in self.changes],
            "steps": [run.as_json() for run in self.runs],
            "bill": self.bill.as_json(),
            "warnings": self.warnings,
        }


@dataclass(frozen=True)
class Plan:
    """All of it. ``others``: changes beside the pipelines; ``rules`` and ``standing`` are what it was made from."""

    config: Config
    compiled: list[DesiredPipeline]
    archives: list[JobArchive]
    rules: dict[str, Facts]
    standing: DeployedState
    offline: bool
    pipelines: list[PipelinePlan]
    others: list[Change]
    endpoint: EndpointPlan | None
    no_prices: str

    @property
    def changes(self) -> list[Change]:
        """What upsert would change; the endpoint is not its to change."""
        return [*(change for pipeline in self.pipelines for change in pipeline.changes), *self.others]

    @property
    def differs(self) -> bool:
        return bool(self.changes)

    def as_json(self) -> dict[str, Any]:
        """For ``--json``; these keys stay."""
        return {
            "format": 1,
            "differs": self.differs,
            "region": self.config.aws.region,
            "account": self.standing.account,
            "offline": self.offline,
            "pipelines": [pipeline.as_json() for pipeline in self.pipelines],
            "others": [change.as_json() for change in self.others],
            "endpoint": self.endpoint.as_json() if self.endpoint else None,
        }


def make_plan(config: Config) -> Plan:
    """Compare the configuration with AWS. Changes nothing there.

    Raises:
        UserError: upsert would refuse it too: a faulty definition, another account, no bucket.
    """
    pipelines, jobs = desired_pipelines(config), job_archives()
    warnings = [definition_warnings(pipeline) for pipeline in pipelines]
    check_account(config)
    check_bucket(config)
    standing = read_deployed_state(config, [pipeline.name for pipeline in pipelines], jobs)
    prices = Prices(config.aws.region, config.costs.hourly_usd)
    rules = desired_rules(config)
    planned = [
        _pipeline(config, asked, standing.pipelines[asked.name], jobs, prices, told)
        for asked, told in zip(pipelines, warnings, strict=True)
    ]
    return Plan(
        config=config,
        compiled=pipelines,
        archives=jobs,
        rules=rules,
        standing=standing,
        offline=offline_endpoint() is not None,
        pipelines=planned,
        others=[*_uploads(standing, jobs), *_group(config, standing), *_rules(standing.rules, rules)],
        endpoint=endpoint_plan(config),
        no_prices=prices.unreachable,
    )


def _pipeline(
    config: Config,
    asked: DesiredPipeline,
    standing: DeployedPipeline | None,
    jobs: list[JobArchive],
    prices: Prices,
    warnings: list[str],
) -> PipelinePlan:
    new = read(asked.definition)
    old = _readable(standing)
    ran = standing is not None and standing.ran
    told = runs(old, new, ran=ran), estimate_cost(new, prices.of), warnings
    if standing is None:
        made = [change for change in differences(_NOTHING, new) if change.kind in ("parameter", "step")]
        return PipelinePlan(asked.name, "created", [Change("+", "pipeline", asked.name), *made], *told)
    if standing.matches(asked):
        return PipelinePlan(asked.name, "unchanged", [], *told)
    changes = list(_itself(asked, standing))
    if old is None:
        changes.append(Change("~", "definition", "definition", "", "not readable", "as configured"))
    else:
        for change in differences(old, new):
            if change.kind == "code":
                change = replace(change, files=changed_files(config.aws.region, old.steps[change.name], jobs))
            changes.append(change)
    if not changes:
        changes.append(Change("~", "definition", "definition", "", "the same, written in another way", "as configured"))
    return PipelinePlan(asked.name, "updated", changes, *told)


def _readable(standing: DeployedPipeline | None) -> FlatDefinition | None:
    """The definition that stands; None when there is none, or none that can be read."""
    try:
        return read(standing.definition) if standing else None
    except ValueError:
        return None


def _itself(asked: DesiredPipeline, standing: DeployedPipeline) -> Iterator[Change]:
    if asked.description != standing.description:
        yield Change("~", "pipeline", asked.name, "description", standing.description, asked.description)
    if asked.role != standing.role:
        yield Change("~", "pipeline", asked.name, "role", standing.role, asked.role)
    for key, value in sorted(asked.tags.items()):
        if standing.tags.get(key) != value:
            sign: Sign = "~" if key in standing.tags else "+"
            yield Change(sign, "pipeline", asked.name, f"tags.{key}", standing.tags.get(key), value)


def _uploads(standing: DeployedState, jobs: list[JobArchive]) -> Iterator[Change]:
    """Code that a pipeline names but that has gone from the bucket; other code comes with its step's change."""
    definitions = "".join(found.definition for found in standing.pipelines.values() if found)
    for job in jobs:
        if job.name in standing.missing_code and job.sha256 in definitions:
            yield Change("+", "upload", f"code of {job.name}", new="it is no longer in the bucket")


def _group(config: Config, standing: DeployedState) -> Iterator[Change]:
    if not standing.group:
        yield Change("+", "group", config.registry.group)


def _rules(old: dict[str, Facts], new: dict[str, Facts]) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            facts = after or before or {}
            on = facts.get("ScheduleExpression") or facts.get("EventPattern.detail.ModelApprovalStatus") or "an event"
            told = f"{on}, starts {facts.get('starts', 'nothing')}"
            yield Change("+", "trigger", name, new=told) if after else Change("-", "trigger", name, old=told)
            continue
        for path in sorted(before.keys() | after.keys()):
            if before.get(path) != after.get(path) and path != "Description":
                sign: Sign = "~" if path in before and path in after else "+" if path in after else "-"
                yield Change(sign, "trigger", name, path, before.get(path), after.get(path))
