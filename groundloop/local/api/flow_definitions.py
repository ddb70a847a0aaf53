"""Flow definitions: A2I's human review workflows for custom task types with bounding boxes."""

from __future__ import annotations

from typing import Any

from groundloop.local.api.human_task_uis import HumanTaskUis
from groundloop.local.api.paging import in_order, page, within
from groundloop.local.api.portal import PortalHost
from groundloop.local.api.tags import Tags
from groundloop.local.api.workteams import Workteams
from groundloop.local.context import Context, now
from groundloop.local.crowd_template import CrowdTemplate, TemplateError
from groundloop.local.errors import in_use, invalid, not_found
from groundloop.local.human_work import FlowDefinition
from groundloop.local.moto_server import has_bucket

_ECHOED = ("FlowDefinitionName", "HumanLoopConfig", "OutputConfig", "RoleArn")


class FlowDefinitions:
    """All flow definitions of one offline AWS."""

    def __init__(
        self, context: Context, tags: Tags, portal: PortalHost, workteams: Workteams, uis: HumanTaskUis
    ) -> None:
        self._context, self._tags, self._portal, self._workteams, self._uis = context, tags, portal, workteams, uis
        self._flows: dict[str, FlowDefinition] = {}

    def state(self) -> list[dict[str, Any]]:
        """Return all flow definitions as JSON values and times."""
        return [flow.state() for flow in self._flows.values()]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Take over what `state` returned."""
        for item in state:
            flow = FlowDefinition.from_state(item)
            self._flows[flow.name] = flow

    def by_arn(self, arn: str) -> FlowDefinition | None:
        """Return the flow definition with an ARN; None where there is none."""
        return next((flow for flow in self._flows.values() if flow.arn == arn), None)

    def _flow(self, name: str) -> FlowDefinition:
        try:
            return self._flows[name]
        except KeyError:
            raise not_found(f"Could not find flow definition {name}.") from None

    def create_flow_definition(self, request: dict[str, Any]) -> dict[str, Any]:
        """Create a flow definition, which is active at once."""
        name, config = request["FlowDefinitionName"], self._checked(request)
        template = self._uis.template(config["HumanTaskUiArn"])
        try:
            CrowdTemplate.parse(template).check_expressions()
        except TemplateError as error:
            raise invalid(str(error)) from None
        members = self._workteams.members(config["WorkteamArn"])
        with self._context.lock:
            if name in self._flows:
                raise in_use(f"Flow definition {name} already exists.")
            flow = FlowDefinition(request, self._context.arn(f"flow-definition/{name}"), members, template, now())
            self._flows[name] = flow
            self._tags.set(flow.arn, request)
        return {"FlowDefinitionArn": flow.arn}

    def _checked(self, request: dict[str, Any]) -> dict[str, Any]:
        """Refuse what AWS refuses, and by name what is not played; return the HumanLoopConfig."""
        for member in ("HumanLoopRequestSource", "HumanLoopActivationConfig"):
            if request.get(member):
                raise invalid(f"{member} is not played offline: only custom task types are, whose loops are started.")
        config: dict[str, Any] | None = request.get("HumanLoopConfig")
        if not config:
            raise invalid("HumanLoopConfig is required.")
        if config.get("PublicWorkforceTaskPrice"):
            raise invalid("PublicWorkforceTaskPrice goes with the public workforce, which is not played offline.")
        self._workteams.check(config["WorkteamArn"])
        bucket = request["OutputConfig"]["S3OutputPath"].removeprefix("s3://").partition("/")[0]
        if not has_bucket(self._context.account, bucket):
            raise invalid(f"OutputConfig.S3OutputPath: there is no bucket {bucket}.")
        return config

    def describe_flow_definition(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a flow definition as it was created, once the outputs of all answers given so far are written."""
        self._portal.settle()
        flow = self._flow(request["FlowDefinitionName"])
        return {**{member: flow.request.get(member) for member in _ECHOED}, **_summary(flow)}

    def list_flow_definitions(self, request: dict[str, Any]) -> dict[str, Any]:
        """List flow definitions by creation time."""
        found = [
            flow
            for flow in self._flows.values()
            if within(request, flow.created, "CreationTimeAfter", "CreationTimeBefore")
        ]
        ordered = in_order(found, request, {"CreationTime": lambda flow: flow.created}, "Descending")
        return page([_summary(flow) for flow in ordered], request, "FlowDefinitionSummaries", default=10)

    def delete_flow_definition(self, request: dict[str, Any]) -> dict[str, Any]:
        """Delete a flow definition; loops that run go on."""
        flow = self._flow(request["FlowDefinitionName"])
        del self._flows[flow.name]
        self._tags.drop(flow.arn)
        return {}


def _summary(flow: FlowDefinition) -> dict[str, Any]:
    return {
        "FlowDefinitionName": flow.name,
        "FlowDefinitionArn": flow.arn,
        "FlowDefinitionStatus": "Active",
        "CreationTime": flow.created,
    }
