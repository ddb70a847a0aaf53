"""Models, which transform jobs and endpoints serve."""

from __future__ import annotations

from typing import Any

from groundloop.local.api.paging import in_order, page, within
from groundloop.local.api.registry import Registry
from groundloop.local.api.tags import Tags
from groundloop.local.context import Context, now
from groundloop.local.errors import JobError, invalid
from groundloop.local.s3 import S3
from groundloop.local.serving import model_data


class Models:
    """All models of one offline AWS."""

    def __init__(self, context: Context, tags: Tags, registry: Registry) -> None:
        self._context, self._tags, self._registry = context, tags, registry
        self._models: dict[str, dict[str, Any]] = {}

    def _arn(self, name: str) -> str:
        return self._context.arn(f"model/{name}")

    def _model(self, name: str) -> dict[str, Any]:
        try:
            return self._models[name]
        except KeyError:
            raise invalid(f'Could not find model "{self._arn(name)}".') from None

    def state(self) -> dict[str, Any]:
        """Return all models as JSON values and times."""
        return {
            "models": self._models,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self._models.update(state["models"])

    def exists(self, name: str) -> None:
        """Check that a model exists.

        Raises:
            ApiError: ValidationException, if it does not.
        """
        self._model(name)

    def container(self, name: str) -> dict[str, Any]:
        """Return `Image`, `ModelDataUrl` and `Environment` of a model's one container."""
        model = self._model(name)
        containers = [model["PrimaryContainer"]] if model.get("PrimaryContainer") else model["Containers"]
        if len(containers) != 1:
            raise invalid(f"Model {name} is an inference pipeline; the offline AWS serves models of one container.")
        return self._resolved(containers[0])

    def _resolved(self, container: dict[str, Any]) -> dict[str, Any]:
        """Fill in what the model package of a container says; the container itself takes precedence."""
        if package := container.get("ModelPackageName"):
            known = self._registry.container(package)
            return {**known, "Environment": {**known.get("Environment", {}), **container.get("Environment", {})}}
        return container

    def _check(self, container: dict[str, Any]) -> None:
        resolved = self._resolved(container)
        if not resolved.get("Image"):
            raise invalid("A container needs an Image or a ModelPackageName.")
        uri, packed = model_data(resolved)
        if not uri:
            return
        s3 = S3(self._context.account)
        try:
            found = s3.exists(uri) if packed else bool(s3.keys(uri))
        except JobError as error:
            raise invalid(error.text) from error
        if not found:
            raise invalid(f"Could not find model data at {uri}.")

    def create_model(self, request: dict[str, Any]) -> dict[str, Any]:
        """Store a model with one container or several; nothing runs yet."""
        primary, several = request.get("PrimaryContainer"), request.get("Containers")
        if bool(primary) == bool(several):
            raise invalid("Exactly one of PrimaryContainer and Containers is required.")
        name = request["ModelName"]
        for container in [primary] if primary else several or []:
            self._check(container)
        with self._context.lock:
            if name in self._models:
                raise invalid(f'Cannot create already existing model "{self._arn(name)}".')
            self._models[name] = {**request, "ModelArn": self._arn(name), "CreationTime": now()}
            self._tags.set(self._arn(name), request)
        return {"ModelArn": self._arn(name)}

    def describe_model(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a model as it was created."""
        return {"EnableNetworkIsolation": False, **self._model(request["ModelName"])}

    def delete_model(self, request: dict[str, Any]) -> dict[str, Any]:
        """Delete a model; its artifact stays in S3."""
        self._model(request["ModelName"])
        del self._models[request["ModelName"]]
        self._tags.drop(self._arn(request["ModelName"]))
        return {}

    def list_models(self, request: dict[str, Any]) -> dict[str, Any]:
        """List models by name and creation time."""
        found = [
            model
            for model in self._models.values()
            if request.get("NameContains", "") in model["ModelName"]
            and within(request, model["CreationTime"], "CreationTimeAfter", "CreationTimeBefore")
        ]
        keys = {"CreationTime": lambda model: model["CreationTime"], "Name": lambda model: model["ModelName"]}
        return page(in_order(found, request, keys, "Descending"), request, "Models", default=10)
