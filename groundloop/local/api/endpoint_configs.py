"""Endpoint configs: the variants that an endpoint serves."""

from __future__ import annotations

from typing import Any

from groundloop.local.api.models import Models
from groundloop.local.api.paging import in_order, page, within
from groundloop.local.api.tags import Tags
from groundloop.local.context import Context, now
from groundloop.local.errors import invalid


class EndpointConfigs:
    """All endpoint configs of one offline AWS."""

    def __init__(self, context: Context, tags: Tags, models: Models) -> None:
        self._context, self._tags, self._models = context, tags, models
        self._configs: dict[str, dict[str, Any]] = {}

    def _arn(self, name: str) -> str:
        return self._context.arn(f"endpoint-config/{name}")

    def state(self) -> dict[str, Any]:
        """Return all configurations as JSON values and times."""
        return {
            "configs": self._configs,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self._configs.update(state["configs"])

    def find(self, name: str) -> dict[str, Any]:
        """Return a configuration by name.

        Raises:
            ApiError: ValidationException, if there is none.
        """
        try:
            return self._configs[name]
        except KeyError:
            raise invalid(f'Could not find endpoint configuration "{self._arn(name)}".') from None

    def create_endpoint_config(self, request: dict[str, Any]) -> dict[str, Any]:
        """Store a configuration whose variants, models and options fit together."""
        name = request["EndpointConfigName"]
        variants = [variant["VariantName"] for variant in request["ProductionVariants"]]
        if len(set(variants)) != len(variants):
            raise invalid("Variant names must be unique.")
        for variant in request["ProductionVariants"]:
            if not variant.get("ModelName"):
                raise invalid(
                    f"Variant {variant['VariantName']} needs a ModelName (inference components are not offered)."
                )
            self._models.exists(variant["ModelName"])
            if bool(variant.get("InstanceType")) == bool(variant.get("ServerlessConfig")):
                raise invalid(
                    f"Variant {variant['VariantName']} needs exactly one of an InstanceType and a ServerlessConfig."
                )
            if variant.get("ServerlessConfig"):
                self._check_serverless(request, variant["ModelName"])
        with self._context.lock:
            if name in self._configs:
                raise invalid(f'Cannot create already existing endpoint configuration "{self._arn(name)}".')
            self._configs[name] = {**request, "EndpointConfigArn": self._arn(name), "CreationTime": now()}
            self._tags.set(self._arn(name), request)
        return {"EndpointConfigArn": self._arn(name)}

    def _check_serverless(self, request: dict[str, Any], model: str) -> None:
        """Reject what AWS's documentation excludes from serverless endpoints."""
        described = self._models.describe_model({"ModelName": model})
        for what, there in (
            ("several variants", len(request["ProductionVariants"]) > 1),
            ("data capture", (request.get("DataCaptureConfig") or {}).get("EnableCapture")),
            ("asynchronous inference", request.get("AsyncInferenceConfig")),
            ("a VPC", described.get("VpcConfig")),
            ("network isolation", described.get("EnableNetworkIsolation")),
        ):
            if there:
                raise invalid(f"A serverless endpoint does not support {what}.")

    def describe_endpoint_config(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a configuration as it was created."""
        return self.find(request["EndpointConfigName"])

    def delete_endpoint_config(self, request: dict[str, Any]) -> dict[str, Any]:
        """Delete a configuration; endpoints that were made from it keep running."""
        self.find(request["EndpointConfigName"])
        del self._configs[request["EndpointConfigName"]]
        self._tags.drop(self._arn(request["EndpointConfigName"]))
        return {}

    def list_endpoint_configs(self, request: dict[str, Any]) -> dict[str, Any]:
        """List configurations by name and creation time."""
        found = [
            config
            for config in self._configs.values()
            if request.get("NameContains", "") in config["EndpointConfigName"]
            and within(request, config["CreationTime"], "CreationTimeAfter", "CreationTimeBefore")
        ]
        keys = {
            "CreationTime": lambda config: config["CreationTime"],
            "Name": lambda config: config["EndpointConfigName"],
        }
        return page(in_order(found, request, keys, "Descending"), request, "EndpointConfigs", default=10)
