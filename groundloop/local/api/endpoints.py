"""Endpoints, whose variants are model servers on this machine."""

from __future__ import annotations

import logging
import threading
from typing import Any

from groundloop.local.api.endpoint import Endpoint, Variant
from groundloop.local.api.endpoint_configs import EndpointConfigs
from groundloop.local.api.endpoint_traffic import check_size, chosen_variant, model_error
from groundloop.local.api.models import Models
from groundloop.local.api.paging import in_order, page, within
from groundloop.local.api.tags import Tags
from groundloop.local.context import Context, now, random_id
from groundloop.local.data_capture import DataCapture, Invocation
from groundloop.local.errors import ApiError, JobError, invalid
from groundloop.local.serving import Answer, ModelServer

logger = logging.getLogger(__name__)


class Endpoints:
    """All endpoints of one offline AWS."""

    def __init__(self, context: Context, tags: Tags, models: Models, configs: EndpointConfigs) -> None:
        self._context, self._tags, self._models, self._configs = context, tags, models, configs
        self._endpoints: dict[str, Endpoint] = {}
        self._threads: list[threading.Thread] = []

    def state(self) -> list[dict[str, Any]]:
        """Return all endpoints as JSON values and times."""
        names = ("name", "config", "status", "failure_reason", "deployment", "created", "modified")
        return [{name: getattr(endpoint, name) for name in names} for endpoint in self._endpoints.values()]

    def restore(self, state: list[dict[str, Any]]) -> None:
        """Take over what `state` returned; endpoints that were in service start their model servers again."""
        for item in state:
            endpoint = Endpoint(arn=self._context.arn(f"endpoint/{item['name']}"), **item)
            self._endpoints[endpoint.name] = endpoint
            # One that was being created when everything stopped has failed without a reason.
            if endpoint.status != "Failed" or endpoint.failure_reason is None:
                endpoint.status = "Creating"
                try:
                    self._deploy(endpoint, self._configs.find(endpoint.config))
                except ApiError as error:
                    endpoint.status, endpoint.failure_reason = "Failed", error.message

    def _endpoint(self, name: str) -> Endpoint:
        try:
            return self._endpoints[name]
        except KeyError:
            raise invalid(f'Could not find endpoint "{self._context.arn(f"endpoint/{name}")}".') from None

    def create_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        """Create an endpoint and start its variants' model servers in the background."""
        name = request["EndpointName"]
        config = self._configs.find(request["EndpointConfigName"])
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
        """Replace the variants of an endpoint by those of another configuration, in the background."""
        endpoint = self._endpoint(request["EndpointName"])
        config = self._configs.find(request["EndpointConfigName"])
        deployment = request.get("DeploymentConfig")
        if deployment and deployment.get("BlueGreenUpdatePolicy") and deployment.get("RollingUpdatePolicy"):
            raise invalid("Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy may be given.")
        with self._context.lock:
            if endpoint.status not in ("InService", "Failed"):
                raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
            endpoint.status = "Updating"
            endpoint.failure_reason = None
            endpoint.modified = now()
            if not request.get("RetainDeploymentConfig"):
                endpoint.deployment = deployment
        self._say_what_is_left_out(endpoint)
        self._deploy(endpoint, config)
        return {"EndpointArn": endpoint.arn}

    def _say_what_is_left_out(self, endpoint: Endpoint) -> None:
        """Write to the endpoint's log which parts of the rollout are not simulated: traffic shifting and alarms."""
        policy = endpoint.deployment or {}
        routing = policy.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {}).get("Type", "")
        left_out = []
        if routing not in ("", "ALL_AT_ONCE") or policy.get("RollingUpdatePolicy"):
            left_out.append(f"traffic {routing or 'ROLLING'} is taken as ALL_AT_ONCE")
        if policy.get("AutoRollbackConfiguration"):
            left_out.append("alarms are not watched")
        if left_out:
            self._write_log(endpoint.name, f"update: {'; '.join(left_out)}")

    def _write_log(self, name: str, text: str) -> None:
        folder = self._context.home / "endpoints" / name
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "log.txt").open("a", encoding="utf-8") as log:
            log.write(f"[offline AWS] {now().isoformat()} {text}\n")

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
        replaced: DataCapture | None = None
        with self._context.lock:
            dropped = started
            if not reason and not endpoint.deleted.is_set() and not self._context.stopping.is_set():
                dropped, endpoint.variants = endpoint.variants, started
                endpoint.config = config["EndpointConfigName"]
                endpoint.asynchronous = config.get("AsyncInferenceConfig")
                endpoint.capture = config.get("DataCaptureConfig")
                replaced, endpoint.data_capture = endpoint.data_capture, self._data_capture(endpoint)
                endpoint.status = "InService"
            else:
                # An update that fails is rolled back: the old variants serve on.
                endpoint.status = "InService" if endpoint.variants else "Failed"
                endpoint.failure_reason = reason[:1024] or None
            endpoint.modified = now()
        self._context.bell.ring()
        for variant in dropped:
            variant.server.stop()
        if replaced is not None:
            replaced.flush()

    def _data_capture(self, endpoint: Endpoint) -> DataCapture | None:
        return DataCapture.of(
            self._context, endpoint.name, endpoint.capture, lambda text: self._write_log(endpoint.name, text)
        )

    def _start_variant(self, endpoint: Endpoint, described: dict[str, Any]) -> Variant:
        name = described["VariantName"]
        container = self._models.container(described["ModelName"])
        folder = (self._context.home / "endpoints" / endpoint.name / f"{name}-{random_id(8)}").resolve()
        folder.mkdir(parents=True)
        server = ModelServer(self._context, container, folder, folder / "log.txt")
        server.start(stopped=lambda: self._context.stopping.is_set() or endpoint.deleted.is_set())
        return Variant(name, described.get("InitialVariantWeight", 1.0), described, server)

    def describe_endpoint(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return the status of an endpoint and of each of its variants."""
        endpoint = self._endpoint(request["EndpointName"])
        with self._context.lock:
            return endpoint.describe()

    def list_endpoints(self, request: dict[str, Any]) -> dict[str, Any]:
        """List endpoints by name, status and time."""
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
        """Delete an endpoint and stop its model servers."""
        endpoint = self._endpoint(request["EndpointName"])
        with self._context.lock:
            endpoint.deleted.set()
            variants, endpoint.variants = endpoint.variants, []
            del self._endpoints[endpoint.name]
            self._tags.drop(endpoint.arn)
        for variant in variants:
            variant.server.stop()
        if endpoint.data_capture is not None:
            endpoint.data_capture.flush()
        return {}

    def asynchronous(self, name: str) -> dict[str, Any]:
        """Return the AsyncInferenceConfig of an endpoint in service.

        Raises:
            ApiError: ValidationError, for any other endpoint.
        """
        endpoint = self._endpoints.get(name)
        if endpoint is None or not endpoint.variants:
            raise ApiError("ValidationError", f"Endpoint {name} of account {self._context.account} not found.")
        if not endpoint.asynchronous:
            raise ApiError("ValidationError", f"Endpoint {name} is not asynchronous: use InvokeEndpoint.")
        return endpoint.asynchronous

    def invoke(self, name: str, invocation: Invocation, *, queued: bool = False) -> tuple[Answer, str]:
        """Send a request to an endpoint; return the model's answer and its variant. `queued`: read from S3."""
        target = invocation.target
        with self._context.lock:
            endpoint = self._endpoints.get(name)
            variants = list(endpoint.variants) if endpoint else []
        if endpoint is None or not variants:
            raise ApiError("ValidationError", f"Endpoint {name} of account {self._context.account} not found.")
        if endpoint.asynchronous and not queued:
            raise ApiError("ValidationError", f"Endpoint {name} is asynchronous: use InvokeEndpointAsync.")
        variant = chosen_variant(name, variants, target)
        if not queued:
            check_size(variant, invocation.body)
        try:
            answer = variant.server.invoke(invocation.body, invocation.content_type, invocation.accept)
        except OSError as error:
            if variant not in endpoint.variants and endpoint.variants and not target:
                # An update replaced it during the request: AWS lets requests end, here the new one gets it.
                return self.invoke(name, invocation, queued=queued)
            raise model_error(variant, 500, str(error)) from error
        failed = answer.status >= 400
        if endpoint.data_capture is not None and not queued:
            endpoint.data_capture.take(variant.name, invocation, None if failed else answer)
        if failed:
            raise model_error(variant, answer.status, answer.body.decode("utf-8", "replace").strip()[:1000])
        return answer, variant.name

    def stop_all(self) -> None:
        """End every program behind an endpoint."""
        for thread in self._threads:
            thread.join()
        with self._context.lock:
            variants = [variant for endpoint in self._endpoints.values() for variant in endpoint.variants]
            captures = [endpoint.data_capture for endpoint in self._endpoints.values() if endpoint.data_capture]
            for endpoint in self._endpoints.values():
                endpoint.variants = []
        for variant in variants:
            variant.server.stop()
        for capture in captures:
            capture.flush()
