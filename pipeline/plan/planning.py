"""The plan: what upsert would change, which steps the next execution runs, and what an execution can cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from groundloop.aws import offline_endpoint
from pipeline.config import Config
from pipeline.deployed import DeployedPipeline
from pipeline.deployment import image_size_warning
from pipeline.desired import DesiredPipeline, definition_warnings, desired_pipelines, job_archives
from pipeline.job_archive import JobArchive
from pipeline.plan.cache_forecast import StepForecast, forecast
from pipeline.plan.changes import Change, Sign, differences
from pipeline.plan.cost_estimate import CostEstimate, estimate_cost
from pipeline.plan.deployed_state import DeployedState, read_deployed_state
from pipeline.plan.endpoint import EndpointPlan, endpoint_plan
from pipeline.plan.flatten import FlatDefinition, read
from pipeline.plan.job_code import changed_files
from pipeline.plan.prices import Prices
from pipeline.plan.trigger_diff import FlatRule, desired_rules
from pipeline.upsert import Action, check_account, check_bucket
from pipeline.warm_start import resolve_warm_start

_EMPTY = FlatDefinition({}, {}, {})


@dataclass(frozen=True)
class PipelinePlan:
    """One pipeline: what upsert does to it, and what its next execution does."""

    name: str
    action: Action
    changes: list[Change]
    forecasts: list[StepForecast]
    cost_estimate: CostEstimate
    warnings: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `--json`; the keys are stable."""
        return {
            "name": self.name,
            "action": self.action,
            "changes": [change.as_json() for change in self.changes],
            "steps": [step.as_json() for step in self.forecasts],
            "cost_estimate": self.cost_estimate.as_json(),
            "warnings": self.warnings,
        }


@dataclass(frozen=True)
class Plan:
    """A whole plan.

    Attributes:
        desired: the pipelines that the configuration describes.
        rules: the EventBridge rules that it describes.
        deployed: the state of AWS that they were compared with.
        others: changes other than those of the pipelines.
        endpoint: the endpoint against the configuration; None when nothing is ever deployed.
        no_prices: why there are no prices; empty when there are.
    """

    config: Config
    desired: list[DesiredPipeline]
    archives: list[JobArchive]
    rules: dict[str, FlatRule]
    deployed: DeployedState
    offline: bool
    pipelines: list[PipelinePlan]
    others: list[Change]
    endpoint: EndpointPlan | None
    no_prices: str

    @property
    def changes(self) -> list[Change]:
        """What upsert would change, which does not include the endpoint."""
        return [*(change for pipeline in self.pipelines for change in pipeline.changes), *self.others]

    @property
    def differs(self) -> bool:
        """Whether upsert would change anything."""
        return bool(self.changes)

    def as_json(self) -> dict[str, Any]:
        """Return plain values for `--json`; the keys are stable."""
        return {
            "format": 1,
            "differs": self.differs,
            "region": self.config.aws.region,
            "account": self.deployed.account,
            "offline": self.offline,
            "pipelines": [pipeline.as_json() for pipeline in self.pipelines],
            "others": [change.as_json() for change in self.others],
            "endpoint": self.endpoint.as_json() if self.endpoint else None,
        }


def make_plan(config: Config) -> Plan:
    """Compare the configuration with AWS. Nothing is changed there.

    Raises:
        UserError: upsert would fail too: a faulty definition, another account, no bucket.
    """
    pipelines, archives = desired_pipelines(resolve_warm_start(config)), job_archives(config)
    warnings = [definition_warnings(pipeline) for pipeline in pipelines]
    if config.deploy.rollout.warning:
        warnings[-1].append(config.deploy.rollout.warning)
    if too_large := image_size_warning(config):
        warnings[-1].append(too_large)
    check_account(config)
    check_bucket(config)
    deployed = read_deployed_state(config, [pipeline.name for pipeline in pipelines], archives)
    prices = Prices(config.aws.region, config.costs.hourly_usd)
    rules = desired_rules(config)
    planned = [
        _plan_pipeline(config, desired, deployed.pipelines[desired.name], archives, prices, messages)
        for desired, messages in zip(pipelines, warnings, strict=True)
    ]
    return Plan(
        config=config,
        desired=pipelines,
        archives=archives,
        rules=rules,
        deployed=deployed,
        offline=offline_endpoint() is not None,
        pipelines=planned,
        others=[*_uploads(deployed, archives), *_group(config, deployed), *_rules(deployed.rules, rules)],
        endpoint=endpoint_plan(config),
        no_prices=prices.unreachable,
    )


def _plan_pipeline(
    config: Config,
    desired: DesiredPipeline,
    deployed: DeployedPipeline | None,
    archives: list[JobArchive],
    prices: Prices,
    warnings: list[str],
) -> PipelinePlan:
    new = read(desired.definition)
    old = _parsed_definition(deployed)
    forecasts = forecast(old, new, executed=deployed is not None and deployed.ran)
    common = forecasts, estimate_cost(new, prices.of), warnings
    if deployed is None:
        added = [change for change in differences(_EMPTY, new) if change.kind in ("parameter", "step")]
        return PipelinePlan(desired.name, "created", [Change("+", "pipeline", desired.name), *added], *common)
    if deployed.matches(desired):
        return PipelinePlan(desired.name, "unchanged", [], *common)
    changes = list(_attribute_changes(desired, deployed))
    if old is None:
        changes.append(Change("~", "definition", "definition", "", "not readable", "as configured"))
    else:
        for change in differences(old, new):
            if change.kind == "code":
                files = changed_files(config.aws.region, old.steps[change.name], archives)
                changes.append(replace(change, files=files))
            else:
                changes.append(change)
    if not changes:
        changes.append(Change("~", "definition", "definition", "", "equivalent, written differently", "as configured"))
    return PipelinePlan(desired.name, "updated", changes, *common)


def _parsed_definition(deployed: DeployedPipeline | None) -> FlatDefinition | None:
    """Parse the deployed definition; None when there is none, or none that can be read."""
    try:
        return read(deployed.definition) if deployed else None
    except ValueError:
        return None


def _attribute_changes(desired: DesiredPipeline, deployed: DeployedPipeline) -> Iterator[Change]:
    """Compare what a pipeline has besides its definition: description, role, tags."""
    if desired.description != deployed.description:
        yield Change("~", "pipeline", desired.name, "description", deployed.description, desired.description)
    if desired.role != deployed.role:
        yield Change("~", "pipeline", desired.name, "role", deployed.role, desired.role)
    for key, value in sorted(desired.tags.items()):
        if deployed.tags.get(key) != value:
            sign: Sign = "~" if key in deployed.tags else "+"
            yield Change(sign, "pipeline", desired.name, f"tags.{key}", deployed.tags.get(key), value)


def _uploads(deployed: DeployedState, archives: list[JobArchive]) -> Iterator[Change]:
    """Find code that a deployed pipeline names but the bucket lacks; other code comes with its step's change."""
    definitions = "".join(pipeline.definition for pipeline in deployed.pipelines.values() if pipeline)
    for archive in archives:
        if archive.name in deployed.missing_code and archive.sha256 in definitions:
            yield Change("+", "upload", f"code of {archive.name}", new="it is no longer in the bucket")


def _group(config: Config, deployed: DeployedState) -> Iterator[Change]:
    if not deployed.group:
        yield Change("+", "group", config.registry.group)


def _rules(old: dict[str, FlatRule], new: dict[str, FlatRule]) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            text = _describe_rule(after or before or {})
            yield Change("+", "trigger", name, new=text) if after else Change("-", "trigger", name, old=text)
            continue
        for path in sorted(before.keys() | after.keys()):
            if before.get(path) != after.get(path) and path != "Description":
                sign: Sign = "~" if path in before and path in after else "+" if path in after else "-"
                yield Change(sign, "trigger", name, path, before.get(path), after.get(path))


def _describe_rule(rule: FlatRule) -> str:
    event = rule.get("ScheduleExpression") or rule.get("EventPattern.detail.ModelApprovalStatus") or "an event"
    return f"{event}, starts {rule.get('starts', 'nothing')}"
