"""Roll a version out to an endpoint: models, endpoint config, create or update; clean up if that fails."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from groundloop.errors import UserError
from groundloop.models.autoscaling import ScalableTarget, Scaling
from groundloop.models.version_selection import version_of

#: Statuses of an endpoint that change without anybody's doing.
_TRANSIENT = {"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"}
_MAX_NAME_LENGTH = 63
#: Properties that an update takes from the new config although the instance counts are retained.
_EXCLUDED_PROPERTIES = [{"VariantPropertyType": "DesiredWeight"}, {"VariantPropertyType": "DataCaptureConfig"}]
#: Tag of every resource that the job creates; `groundloop destroy` deletes the resources that carry the project's name.
PROJECT_TAG = "groundloop:project"


class BusyError(Exception):
    """Another deployment of the endpoint is in progress: describe the endpoint and decide again."""


@dataclass(frozen=True)
class DesiredEndpoint:
    """The endpoint config that an endpoint should have.

    Attributes:
        name: its name, which ends with a digest of its content: deployments of the same content share one config, and
            the second finds its work done.
        package: ARN of the version that the first variant serves.
        variants: the production variants, each with the `Package` that its model is created from.
    """

    name: str
    package: str
    variants: list[dict[str, Any]]


def desired_endpoint(specification: dict[str, Any], endpoint: str, package: str, instance_type: str) -> DesiredEndpoint:
    """Return the endpoint config for a version.

    Args:
        specification: `variants`, `model` and `config` as the deploy step writes them.
        endpoint: name of the endpoint.
        package: ARN of the version.
        instance_type: for variants that set none.
    """
    main, *others = specification["variants"]
    instance = {} if "ServerlessConfig" in main else {"InstanceType": instance_type}
    variants = [{**instance, **variant} for variant in ({**main, "Package": package}, *others)]
    content = {"variants": variants, "model": specification["model"], "config": specification["config"]}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]
    tail = f"-v{version_of(package)}-{digest}"
    # Models append their index.
    return DesiredEndpoint(f"{endpoint[: _MAX_NAME_LENGTH - len(tail) - 2].rstrip('-')}{tail}", package, variants)


@dataclass
class Rollout:
    """Deployments to one endpoint.

    Args:
        sagemaker: a boto3 SageMaker client.
        scaling: the endpoint's scalable targets.
        endpoint: name of the endpoint.
        specification: what the deploy step wrote: `model`, `config`, `variants`, `scaling`, `rollout`, `tags`,
            `project`.
        say: called with each line of progress.
        poll_seconds: pause between two descriptions of the endpoint.
    """

    sagemaker: Any
    scaling: Scaling
    endpoint: str
    specification: dict[str, Any]
    say: Callable[[str], None]
    poll_seconds: float
    _created: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def wait_until_stable(self) -> dict[str, Any] | None:
        """Wait until the endpoint is in service or failed, and return its description; None if there is none.

        Raises:
            UserError: SageMaker could not roll it back, or it is in another status that needs a person.
        """
        reported = ""
        while True:
            try:
                description: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=self.endpoint)
            except ClientError as error:
                if _missing(error):
                    return None
                raise
            status = description["EndpointStatus"]
            if status not in _TRANSIENT:
                if status in {"InService", "Failed"}:
                    return description
                raise UserError(
                    f"endpoint {self.endpoint!r} is {status}: {description.get('FailureReason', 'see AWS')}"
                )
            if status != reported:
                self.say(f"endpoint {self.endpoint}: {status}")
                reported = status
            time.sleep(self.poll_seconds)

    def roll_out(self, desired: DesiredEndpoint, before: dict[str, Any] | None) -> None:
        """Create or update the endpoint, and wait until it is in service.

        Args:
            desired: the endpoint config that it should have.
            before: the endpoint's description; None if there is no endpoint yet.

        Raises:
            UserError: that failed; the endpoint serves what it served before, and what was created for it is deleted.
            BusyError: another deployment began in the meantime.
        """
        self._created = []
        deregistered: list[ScalableTarget] = []
        try:
            self._create_resources(desired)
            if before is None:
                self._create(desired)
            else:
                deregistered = self._deregister_scaling(before)
                self._update(desired, scaled=bool(deregistered))
            after = self.wait_until_stable()
            if after is None or after["EndpointStatus"] != "InService" or after["EndpointConfigName"] != desired.name:
                number = version_of(desired.package)
                reason = (after or {}).get("FailureReason") or "it was deleted in the meantime"
                raise UserError(f"endpoint {self.endpoint!r} could not be updated to version {number}: {reason}")
        except (UserError, BusyError, ClientError):
            self._clean_up(desired, before)
            self.scaling.restore(deregistered)
            raise
        self.scale(desired)

    def scale(self, desired: DesiredEndpoint) -> None:
        """Register the first variant for autoscaling as configured; deregister it if autoscaling is not configured."""
        variant = desired.variants[0]["VariantName"]
        if self.specification["scaling"]:
            self.scaling.apply(variant, self.specification["scaling"])
        elif "ServerlessConfig" not in desired.variants[0]:
            self.scaling.remove(self.scaling.registered([variant]))

    @property
    def _tags(self) -> list[dict[str, str]]:
        tags = {**self.specification["tags"], PROJECT_TAG: self.specification["project"]}
        return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]

    def _create_resources(self, desired: DesiredEndpoint) -> None:
        tags, variants = self._tags, []
        for index, variant in enumerate(desired.variants):
            members = dict(variant)
            package, model = members.pop("Package"), f"{desired.name}-{index}"
            container = {"ModelPackageName": package}
            self._create_once(
                "model", ModelName=model, Containers=[container], Tags=tags, **self.specification["model"]
            )
            variants.append({**members, "ModelName": model})
        self._create_once(
            "endpoint_config",
            EndpointConfigName=desired.name,
            ProductionVariants=variants,
            Tags=tags,
            **self.specification["config"],
        )

    def _create_once(self, kind: str, **members: Any) -> None:
        """Create a model or an endpoint config, unless an earlier deployment of the same content left one."""
        try:
            getattr(self.sagemaker, f"create_{kind}")(**members)
        except ClientError as error:
            if "already existing" not in str(error):
                raise
            return
        name = next(iter(members))
        self._created.append((f"delete_{kind}", {name: members[name]}))

    def _create(self, desired: DesiredEndpoint) -> None:
        self.say(f"endpoint {self.endpoint}: created with {desired.name}")
        try:
            self.sagemaker.create_endpoint(EndpointName=self.endpoint, EndpointConfigName=desired.name, Tags=self._tags)
        except ClientError as error:
            if "already existing" in str(error):
                raise BusyError from None
            raise

    def _update(self, desired: DesiredEndpoint, scaled: bool) -> None:
        self.say(f"endpoint {self.endpoint}: updated to {desired.name}")
        # Variants that have scaled out keep their instance count: the configured one may be too low for the traffic.
        retained = (
            {"RetainAllVariantProperties": True, "ExcludeRetainedVariantProperties": _EXCLUDED_PROPERTIES}
            if scaled
            else {}
        )
        try:
            self.sagemaker.update_endpoint(
                EndpointName=self.endpoint,
                EndpointConfigName=desired.name,
                DeploymentConfig=self.specification["rollout"],
                **retained,
            )
        except ClientError as error:
            if "in-progress" in str(error):
                raise BusyError from None
            raise

    def _deregister_scaling(self, before: dict[str, Any]) -> list[ScalableTarget]:
        """Deregister the variants from autoscaling: SageMaker refuses to remove or change registered ones."""
        registered = self.scaling.registered([variant["VariantName"] for variant in before["ProductionVariants"]])
        self.scaling.remove(registered)
        return registered

    def _clean_up(self, desired: DesiredEndpoint, before: dict[str, Any] | None) -> None:
        """Delete what this deployment created, and an endpoint that never was in service; keep what is served."""
        serving = self.wait_until_stable()
        if serving is not None and serving["EndpointConfigName"] == desired.name:
            if before is not None or serving["EndpointStatus"] != "Failed":
                return  # another deployment of the same version uses it
            self.delete()
        for operation, name in reversed(self._created):
            try:
                getattr(self.sagemaker, operation)(**name)
            except ClientError as error:
                if not _missing(error):
                    raise
            else:
                self.say(f"deleted: {next(iter(name.values()))}")

    def delete(self) -> None:
        """Delete the endpoint and wait until it is gone."""
        try:
            self.sagemaker.delete_endpoint(EndpointName=self.endpoint)
        except ClientError as error:
            if not _missing(error):
                raise
        self.wait_until_stable()


def _missing(error: ClientError) -> bool:
    return "Could not find" in str(error) or "does not exist" in str(error)
