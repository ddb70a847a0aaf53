"""Human task UIs: the worker task templates of A2I's flow definitions."""

from __future__ import annotations

import hashlib
from typing import Any

from groundloop.local.api.paging import in_order, page, within
from groundloop.local.api.tags import Tags
from groundloop.local.context import Context, now
from groundloop.local.crowd_template import CrowdTemplate, TemplateError
from groundloop.local.errors import ApiError, in_use, invalid, not_found


class HumanTaskUis:
    """All human task UIs of one offline AWS."""

    def __init__(self, context: Context, tags: Tags) -> None:
        self._context, self._tags = context, tags
        self._uis: dict[str, dict[str, Any]] = {}

    def state(self) -> dict[str, Any]:
        """Return all human task UIs as JSON values and times."""
        return {"uis": self._uis}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self._uis.update(state["uis"])

    def template(self, arn: str) -> str:
        """Return the template of a human task UI.

        Raises:
            ApiError: ValidationException, if there is no such UI.
        """
        for ui in self._uis.values():
            if ui["HumanTaskUiArn"] == arn:
                return str(ui["Content"])
        raise invalid(f"Could not find human task UI {arn}.")

    def _ui(self, name: str) -> dict[str, Any]:
        try:
            return self._uis[name]
        except KeyError:
            raise _missing(name) from None

    def create_human_task_ui(self, request: dict[str, Any]) -> dict[str, Any]:
        """Create a human task UI whose template asks for bounding boxes."""
        name, content = request["HumanTaskUiName"], request["UiTemplate"]["Content"]
        try:
            CrowdTemplate.parse(content)
        except TemplateError as error:
            raise invalid(str(error)) from None
        with self._context.lock:
            if name in self._uis:
                raise in_use(f"Human task UI {name} already exists.")
            arn = self._context.arn(f"human-task-ui/{name}")
            self._uis[name] = {
                "HumanTaskUiName": name,
                "HumanTaskUiArn": arn,
                "Content": content,
                "CreationTime": now(),
            }
            self._tags.set(arn, request)
        return {"HumanTaskUiArn": arn}

    def describe_human_task_ui(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a human task UI with its template's digest."""
        ui = self._ui(request["HumanTaskUiName"])
        digest = hashlib.sha256(ui["Content"].encode()).hexdigest()
        return {**ui, "HumanTaskUiStatus": "Active", "UiTemplate": {"ContentSha256": digest}}

    def list_human_task_uis(self, request: dict[str, Any]) -> dict[str, Any]:
        """List human task UIs by creation time."""
        found = [
            ui
            for ui in self._uis.values()
            if within(request, ui["CreationTime"], "CreationTimeAfter", "CreationTimeBefore")
        ]
        keys = {"CreationTime": lambda ui: ui["CreationTime"]}
        return page(in_order(found, request, keys, "Descending"), request, "HumanTaskUiSummaries", default=10)

    def delete_human_task_ui(self, request: dict[str, Any]) -> dict[str, Any]:
        """Delete a human task UI; flow definitions keep the template that they were created with."""
        ui = self._ui(request["HumanTaskUiName"])
        del self._uis[ui["HumanTaskUiName"]]
        self._tags.drop(ui["HumanTaskUiArn"])
        return {}


def _missing(name: str) -> ApiError:
    return not_found(f"Could not find human task UI {name}.")
