"""Endpoint configs and endpoints; an endpoint's variants are programs that answer."""

from __future__ import annotations

import logging
import random
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from local.api.models import Models
from local.api.paging import in_order, page, within
from local.api.tags import Tags
from local.context import Context, now, random_id
from local.errors import ApiError, JobError, invalid
from local.serving import Answer, ModelServer

logger = logging.getLogger(__name__)


@dataclass
class Variant:
    """One production variant that serves."""

    name: str
    weight: float
    described: dict[str, Any]
    server: ModelServer


@dataclass
class Endpoint:
    """One endpoint and what serves behind it."""

    name: str
    arn: str
    config: str
    status: str = "Creating"
    failure_reason: str | None = None
    variants: list[Variant] = field(default_factory=list)
    created: datetime = field(default_factory=now)
    modified: datetime = field(default_factory=now)
    deleted: threading.Event = field(default_factory=threading.Event)


class Endpoints:
    """All endpoints of one offline AWS."""

    def __init__(self, context: Context, tags: Tags, models: Models) -> None:
        self._context, self._tags, self._models = context, tags, models
        self._configs: dict[str, dict[str, Any]] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._threads: list[threading.Thread] = []

    # Endpoint configs

    def _config_arn(self, name: str) -> str:
        return self._context.arn(f"endpoint-config/{name}")

    def _config(self, name: str) -> dict[str, Any]:
        try:
            return self._configs[name]
        except KeyError:
            raise invalid(f'Could not find endpoint configuration "{self._config_arn(name)}".') from None

    def create_endpoint_config(self, request: dict[str, Any]) -> dict[str, Any]:
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
            if not variant.get("InstanceType") and not variant.get("ServerlessConfig"):
                raise invalid(f"Variant {variant['VariantName']} needs an InstanceType or a ServerlessConfig.")
        with self._context.lock:
            if name in self._configs:
                raise invalid(f'Cannot create already existing endpoint configuration "{self._config_arn(name)}".')
            self._configs[name] = {**request, "EndpointConfigArn": self._config_arn(name), "CreationTime": now()}
            self._tags.set(self._config_arn(name), request)
        return {"EndpointConfigArn": self._config_arn(name)}

    def describe_endpoint_config(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._config(request["EndpointConfigName"])

    def delete_endpoint_config(self, request: dict[str, Any]) -> dict[str, Any]:
        self._config(request["EndpointConfigName"])
        del self._configs[request["EndpointConfigName"]]
        return {}

    def list_endpoint_configs(self, request: dict[str, Any]) -> dict[str, Any]:
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

    # Endpoints

    def _endpoint(self, name: str) -> Endpoint:
        try:
            return self._endpoints[name]
        except KeyError:
            raise invalid(f'Could not find endpoint "{self._context.arn(f"endpoint/{name}")}".') from None

    def create_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["EndpointName"]
        config = self._config(request["EndpointConfigName"])
        arn = self._context.arn(f"endpoint/{name}")
        with self._context.lock:
            if name in self._endpoints:
                raise invalid(f'Cannot create already existing endpoint "{arn}".')
            endpoint = Endpoint(name, arn, request["EndpointConfigName"])
            self._endpoints[name] = endpoint
            self._tags.set(arn, request)
        self._deploy(endpoint, config)
        return {"EndpointArn": arn}

    def update_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        endpoint = self._endpoint(request["EndpointName"])
        config = self._config(request["EndpointConfigName"])
        with self._context.lock:
            if endpoint.status not in ("InService", "Failed"):
                raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
            endpoint.status = "Updating"
            endpoint.failure_reason = None
            endpoint.modified = now()
        self._deploy(endpoint, config)
        return {"EndpointArn": endpoint.arn}

    def _deploy(self, endpoint: Endpoint, config: dict[str, Any]) -> None:
        thread = threading.Thread(
            target=self._bring_up, args=(endpoint, config), name=f"endpoint-{endpoint.name}", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _bring_up(self, endpoint: Endpoint, config: dict[str, Any]) -> None:
        """Start the variants of a config; only when all of them serve do they take over."""
        started: list[Variant] = []
        reason = ""
        try:
            for described in config["ProductionVariants"]:
                started.append(self._start_variant(endpoint, described))
        except (JobError, ApiError) as error:
            reason = str(error)
        except Exception as error:
            # A fault of the offline AWS itself: an endpoint never stays Creating for ever.
            logger.exception("endpoint %s", endpoint.name)
            reason = f"InternalServerError: the offline AWS failed: {error!r}"
        with self._context.lock:
            dropped = started
            if not reason and not endpoint.deleted.is_set() and not self._context.stopping.is_set():
                dropped, endpoint.variants = endpoint.variants, started
                endpoint.config = config["EndpointConfigName"]
                endpoint.status = "InService"
            else:
                # An update that fails is rolled back: the old variants serve on.
                endpoint.status = "InService" if endpoint.variants else "Failed"
                endpoint.failure_reason = reason[:1024] or None
            endpoint.modified = now()
        for variant in dropped:
            variant.server.stop()

    def _start_variant(self, endpoint: Endpoint, described: dict[str, Any]) -> Variant:
        name = described["VariantName"]
        container = self._models.container(described["ModelName"])
        folder = (self._context.home / "endpoints" / endpoint.name / f"{name}-{random_id(8)}").resolve()
        folder.mkdir(parents=True)
        server = ModelServer(self._context, container, folder, folder / "log.txt")
        server.start(stopped=lambda: self._context.stopping.is_set() or endpoint.deleted.is_set())
        return Variant(name, described.get("InitialVariantWeight", 1.0), described, server)

    def describe_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        endpoint = self._endpoint(request["EndpointName"])
        with self._context.lock:
            variants = [
                {
                    "VariantName": variant.name,
                    "CurrentWeight": variant.weight,
                    "DesiredWeight": variant.weight,
                    "CurrentInstanceCount": variant.described.get("InitialInstanceCount"),
                    "DesiredInstanceCount": variant.described.get("InitialInstanceCount"),
                }
                for variant in endpoint.variants
            ]
            return {
                "EndpointName": endpoint.name,
                "EndpointArn": endpoint.arn,
                "EndpointConfigName": endpoint.config,
                "EndpointStatus": endpoint.status,
                "FailureReason": endpoint.failure_reason,
                "ProductionVariants": variants or None,
                "CreationTime": endpoint.created,
                "LastModifiedTime": endpoint.modified,
            }

    def list_endpoints(self, request: dict[str, Any]) -> dict[str, Any]:
        found = [
            endpoint
            for endpoint in self._endpoints.values()
            if request.get("NameContains", "") in endpoint.name
            and request.get("StatusEquals", endpoint.status) == endpoint.status
            and within(request, endpoint.created, "CreationTimeAfter", "CreationTimeBefore")
        ]
        keys = {
            "CreationTime": lambda item: item.created,
            "Name": lambda item: item.name,
            "Status": lambda item: item.status,
        }
        ordered = in_order(found, request, keys, "Descending")
        return page(
            [self.describe_endpoint({"EndpointName": item.name}) for item in ordered], request, "Endpoints", default=10
        )

    def delete_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        endpoint = self._endpoint(request["EndpointName"])
        with self._context.lock:
            endpoint.deleted.set()
            variants, endpoint.variants = endpoint.variants, []
            del self._endpoints[endpoint.name]
            self._tags.drop(endpoint.arn)
        for variant in variants:
            variant.server.stop()
        return {}

    def invoke(
        self, name: str, body: bytes, content_type: str | None, accept: str | None, target: str | None
    ) -> tuple[Answer, str]:
        """One request to an endpoint: the model's answer and the variant that gave it."""
        with self._context.lock:
            endpoint = self._endpoints.get(name)
            variants = list(endpoint.variants) if endpoint else []
        if endpoint is None or not variants:
            raise ApiError("ValidationError", f"Endpoint {name} of account {self._context.account} not found.")
        if target:
            variants = [variant for variant in variants if variant.name == target]
            if not variants:
                raise ApiError("ValidationError", f"Variant {target} not found for endpoint {name}.")
            variant = variants[0]
        else:
            weights = [variant.weight for variant in variants]
            variant = random.choices(variants, weights if any(weights) else None)[0]  # noqa: S311 (traffic, no secret)
        try:
            answer = variant.server.invoke(body, content_type, accept)
        except OSError as error:
            raise self._model_error(endpoint, variant, 500, str(error)) from error
        if answer.status >= 400:
            raise self._model_error(
                endpoint, variant, answer.status, answer.body.decode("utf-8", "replace").strip()[:1000]
            )
        return answer, variant.name

    def _model_error(self, endpoint: Endpoint, variant: Variant, status: int, told: str) -> ApiError:
        side = "client" if status < 500 else "server"
        log = variant.server.log
        message = f'Received {side} error ({status}) from {variant.name} with message "{told}". See {log} for more.'
        details = {"OriginalStatusCode": status, "OriginalMessage": told, "LogStreamArn": str(log)}
        return ApiError("ModelError", message, 424, details)

    def stop_all(self) -> None:
        """End every program behind an endpoint."""
        for thread in self._threads:
            thread.join()
        with self._context.lock:
            variants = [variant for endpoint in self._endpoints.values() for variant in endpoint.variants]
            for endpoint in self._endpoints.values():
                endpoint.variants = []
        for variant in variants:
            variant.server.stop()
