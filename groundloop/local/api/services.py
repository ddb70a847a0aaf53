"""All operations of one offline AWS by their API names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore import xform_name

from groundloop.local.api.a2i_runtime import A2iRuntime
from groundloop.local.api.async_invocations import AsyncInvocations
from groundloop.local.api.endpoint_configs import EndpointConfigs
from groundloop.local.api.endpoints import Endpoints
from groundloop.local.api.executions import Executions
from groundloop.local.api.flow_definitions import FlowDefinitions
from groundloop.local.api.human_loops import HumanLoops
from groundloop.local.api.human_task_uis import HumanTaskUis
from groundloop.local.api.jobs import Jobs
from groundloop.local.api.labeling_jobs import LabelingJobs
from groundloop.local.api.models import Models
from groundloop.local.api.pipelines import Pipelines
from groundloop.local.api.portal import PortalHost
from groundloop.local.api.registry import Registry
from groundloop.local.api.rules import state_change
from groundloop.local.api.tags import Tags
from groundloop.local.api.tuning import TuningJobs
from groundloop.local.api.workteams import Workteams
from groundloop.local.context import Context
from groundloop.local.errors import ApiError
from groundloop.local.shapes import check_request, shaped
from groundloop.spec.shapes import sagemaker_model

#: An operation returns None if its resource is not kept here but by moto.
Operation = Callable[[dict[str, Any]], "dict[str, Any] | None"]


class Services:
    """The resources of one offline SageMaker, and its operations by API name."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.tags = Tags()
        self.registry = Registry(context, self.tags)
        self.models = Models(context, self.tags, self.registry)
        self.jobs = Jobs(context, self.tags, self.models)
        self.tuning_jobs = TuningJobs(context, self.tags, self.jobs)
        self.endpoint_configs = EndpointConfigs(context, self.tags, self.models)
        self.endpoints = Endpoints(context, self.tags, self.models, self.endpoint_configs)
        self.async_invocations = AsyncInvocations(context, self.endpoints)
        self.pipelines = Pipelines(context, self.tags)
        self.executions = Executions(context, self.pipelines)
        self.registry.on_approval(lambda package: self.executions.start_by_rule(state_change(context, package)))
        self.portal = PortalHost(context)
        self.workteams = Workteams(context, self.tags, self.portal)
        self.human_task_uis = HumanTaskUis(context, self.tags)
        self.labeling_jobs = LabelingJobs(context, self.tags, self.portal, self.workteams)
        self.flow_definitions = FlowDefinitions(context, self.tags, self.portal, self.workteams, self.human_task_uis)
        self.human_loops = HumanLoops(context, self.portal, self.flow_definitions)
        self._a2i = A2iRuntime(self.human_loops)
        self.labeling_jobs.on_event(self.executions.start_by_rule)
        self.human_loops.on_event(self.executions.start_by_rule)
        parts = (
            self.tags,
            self.registry,
            self.models,
            self.jobs,
            self.tuning_jobs,
            self.endpoint_configs,
            self.endpoints,
            self.pipelines,
            self.executions,
            self.workteams,
            self.human_task_uis,
            self.labeling_jobs,
            self.flow_definitions,
        )
        self._operations: dict[str, Operation] = {}
        for name in sagemaker_model().operation_names:
            for part in parts:
                method = getattr(part, xform_name(name), None)
                if method is not None:
                    self._operations[name] = method

    @property
    def names(self) -> list[str]:
        """Names of the operations that are answered here, sorted."""
        return sorted(self._operations)

    def call(self, name: str, request: dict[str, Any]) -> dict[str, Any] | None:
        """Answer a request; return None if the operation or its resource is not kept here.

        Raises:
            ApiError: the request is invalid or fails; the error is the one that AWS would answer.
        """
        operation = self._operations.get(name)
        if operation is None:
            return None
        if self._context.stopping.is_set() and not name.startswith(("Describe", "List", "Stop")):
            raise ApiError("ServiceUnavailable", "The offline AWS is stopping.", 503)
        check_request(name, request)
        answer = operation(request)
        return None if answer is None else shaped(name, answer)

    def call_a2i(self, method: str, path: str, query: str, body: bytes) -> dict[str, Any]:
        """Answer a request to Amazon A2I's runtime.

        Raises:
            ApiError: the request is invalid or fails; the error is the one that AWS would answer.
        """
        if self._context.stopping.is_set() and method != "GET":
            raise ApiError("InternalServerException", "The offline AWS is stopping.", 400)
        return self._a2i.call(method, path, query, body)

    def contents(self) -> dict[str, int]:
        """Return how many resources there are of each kind that somebody would miss."""
        return {
            "running execution": self.executions.count_running(),
            "endpoint": len(self.endpoints.state()),
            "pipeline": len(self.pipelines.state()),
            "model package": len(self.registry.state()["packages"]),
            "open labelling job": self.labeling_jobs.count_running(),
            "open human loop": self.human_loops.count_running(),
        }

    def state(self) -> dict[str, Any]:
        """Return all resources as JSON values and times, once everything is stopped."""
        return {name: part.state() for name, part in self._kept().items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        for name, part in self._kept().items():
            if name in state:  # an earlier version may not have kept it
                part.restore(state[name])

    def _kept(self) -> dict[str, Any]:
        """Return the parts whose resources are kept, each after those that it refers to."""
        return {
            "tags": self.tags,
            "registry": self.registry,
            "models": self.models,
            "jobs": self.jobs,
            "tuning_jobs": self.tuning_jobs,
            "endpoint_configs": self.endpoint_configs,
            "pipelines": self.pipelines,
            "executions": self.executions,
            "endpoints": self.endpoints,
            "portal": self.portal,
            "workteams": self.workteams,
            "human_task_uis": self.human_task_uis,
            "labeling_jobs": self.labeling_jobs,
            "flow_definitions": self.flow_definitions,
            "human_loops": self.human_loops,
        }

    def stop(self) -> None:
        """Stop the portal, then executions, jobs and endpoints, and wait for each."""
        self.portal.stop()
        self.executions.stop_all()
        self.tuning_jobs.stop_all()
        self.jobs.stop_all()
        self.endpoints.stop_all()
