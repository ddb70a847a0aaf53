"""All operations of one offline AWS under their API names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from groundloop.local.api.async_invocations import AsyncInvocations
from groundloop.local.api.endpoint_configs import EndpointConfigs
from groundloop.local.api.endpoints import Endpoints
from groundloop.local.api.executions import Executions
from groundloop.local.api.jobs import Jobs
from groundloop.local.api.models import Models
from groundloop.local.api.pipelines import Pipelines
from groundloop.local.api.registry import Registry
from groundloop.local.api.tags import Tags
from groundloop.local.context import Context
from groundloop.local.errors import ApiError
from groundloop.local.shapes import check_request, shaped
from groundloop.spec.shapes import sagemaker_model

#: None: the operation, or the resource it is about, is not kept here.
Operation = Callable[[dict[str, Any]], "dict[str, Any] | None"]


def snake(operation: str) -> str:
    """``CreateModel`` -> ``create_model``."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation).lstrip("_")


class Services:
    """The state of one offline SageMaker and its operations."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.tags = Tags()
        self.registry = Registry(context, self.tags)
        self.models = Models(context, self.tags, self.registry)
        self.jobs = Jobs(context, self.tags, self.models)
        self.endpoint_configs = EndpointConfigs(context, self.tags, self.models)
        self.endpoints = Endpoints(context, self.tags, self.models, self.endpoint_configs)
        self.async_invocations = AsyncInvocations(context, self.endpoints)
        self.pipelines = Pipelines(context, self.tags)
        self.executions = Executions(context, self.pipelines)
        self.registry.on_approval(self.executions.start_by_rule)
        parts = (
            self.tags,
            self.registry,
            self.models,
            self.jobs,
            self.endpoint_configs,
            self.endpoints,
            self.pipelines,
            self.executions,
        )
        self._operations: dict[str, Operation] = {}
        for name in sagemaker_model().operation_names:
            for part in parts:
                method = getattr(part, snake(name), None)
                if method is not None:
                    self._operations[name] = method

    @property
    def names(self) -> list[str]:
        """The operations that are offered here."""
        return sorted(self._operations)

    def call(self, name: str, request: dict[str, Any]) -> dict[str, Any] | None:
        """Answer one request, or None if the operation or its resource is not kept here.

        Raises:
            ApiError: what AWS would answer.
        """
        operation = self._operations.get(name)
        if operation is None:
            return None
        if self._context.stopping.is_set() and not name.startswith(("Describe", "List", "Stop")):
            raise ApiError("ServiceUnavailable", "The offline AWS is stopping.", 503)
        check_request(name, request)
        answer = operation(request)
        return None if answer is None else shaped(name, answer)

    def stop(self) -> None:
        """Stop executions, then jobs, then endpoints, and wait for each."""
        self.executions.stop_all()
        self.jobs.stop_all()
        self.endpoints.stop_all()
