"""Roll a version out to an endpoint: models, endpoint config, create or update; clean up if that fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import error_code, error_message, is_not_found
from groundloop.errors import UserError
from groundloop.models.autoscaling import ScalableTarget, Scaling
from groundloop.models.desired_endpoint import DesiredEndpoint, conversion_message, is_serverless, one_way_message
from groundloop.models.version_selection import version_of

#: Statuses of an endpoint that change without anybody's doing.
_TRANSIENT = {"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"}
#: Properties that an update takes from the new config although the instance counts are retained.
_EXCLUDED_PROPERTIES = [{"VariantPropertyType": "DesiredWeight"}, {"VariantPropertyType": "DataCaptureConfig"}]
#: Tag of every resource that the job creates; `groundloop destroy` deletes the resources that carry the project's name.
PROJECT_TAG = "groundloop:project"


class BusyError(Exception):
    """Another deployment of the endpoint is in progress: describe the endpoint and decide again."""


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
                if is_not_found(error):
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

    def roll_out(self, desired: DesiredEndpoint, before: dict[str, Any] | None) -> str:
        """Create or update the endpoint, and wait until it is in service.

        Args:
            desired: the endpoint config that it should have.
            before: the endpoint's description; None if there is no endpoint yet.

        Returns:
            What `scale` returns.

        Raises:
            UserError: that failed; the endpoint serves what it served before, and what was created for it is deleted.
            BusyError: another deployment began in the meantime, before this one or right after it.
        """
        self._created = []
        if before is not None:
            self._check_conversion(desired, before)
        deregistered: list[ScalableTarget] = []
        try:
            self._create_resources(desired)
            if before is None:
                self._create(desired)
            else:
                deregistered = self._registered_for_scaling(before)
                # SageMaker refuses to remove or change a variant that is registered for autoscaling.
                self.scaling.remove(deregistered)
                self._update(desired, scaled=bool(deregistered))
            after = self.wait_until_stable()
            if after is not None and after["EndpointStatus"] == "InService" and _is_of_another(after, desired, before):
                raise BusyError
            if after is None or after["EndpointStatus"] != "InService" or after["EndpointConfigName"] != desired.name:
                number = version_of(desired.package)
                reason = (after or {}).get("FailureReason") or "it was deleted in the meantime"
                raise UserError(f"endpoint {self.endpoint!r} could not be updated to version {number}: {reason}")
        except (UserError, BusyError, ClientError):
            self._clean_up(desired, before)
            if not self._restore_scaling(deregistered):
                self.say(f"endpoint {self.endpoint}: its autoscaling could not be restored and is not registered")
            raise
        return self.scale(desired, deregistered)

    def scale(self, desired: DesiredEndpoint, before: Sequence[ScalableTarget] = ()) -> str:
        """Register the first variant for autoscaling as configured; deregister it if autoscaling is not configured.

        The endpoint serves the desired version already, so a failure here is no reason to take the version back.

        Args:
            desired: the endpoint config that the endpoint has.
            before: the scalable targets that were deregistered for the update; they are restored on failure.

        Returns:
            Why autoscaling is not as configured, and what to do; empty if it is.
        """
        main = desired.variants[0]
        try:
            if self.specification["scaling"]:
                self.scaling.apply(main["VariantName"], self.specification["scaling"])
            elif not is_serverless(main):
                self.scaling.remove(self.scaling.registered([main["VariantName"]]))
        except ClientError as error:
            reason = f"{error.operation_name}: {error_code(error)}: {error_message(error)}"
            names = {variant["VariantName"] for variant in desired.variants}
            kept = [item for item in before if item.target["ResourceId"].rsplit("/", 1)[-1] in names]
            state = "as it was before" if kept and self._restore_scaling(kept) else "incomplete"
            return f"its autoscaling could not be set and is {state}; mend this and deploy again: AWS refused {reason}"
        return ""

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
        member = next(iter(members))
        name = {member: members[member]}
        try:
            getattr(self.sagemaker, f"create_{kind}")(**members)
        except ClientError:
            if not self._exists(kind, name):
                raise
            return
        self._created.append((kind, name))

    def _exists(self, kind: str, name: dict[str, str]) -> bool:
        # The API answers a ValidationException both for what exists already and for what doesn't exist, and only its
        # text distinguishes the two. So the resource is described instead.
        try:
            getattr(self.sagemaker, f"describe_{kind}")(**name)
        except ClientError as error:
            if is_not_found(error):
                return False
            raise
        return True

    def _create(self, desired: DesiredEndpoint) -> None:
        self.say(f"endpoint {self.endpoint}: created with {desired.name}")
        try:
            self.sagemaker.create_endpoint(EndpointName=self.endpoint, EndpointConfigName=desired.name, Tags=self._tags)
        except ClientError:
            if self._exists("endpoint", {"EndpointName": self.endpoint}):
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
        # A DeploymentConfig says how instances are replaced, and a serverless endpoint has none.
        shifted = {} if is_serverless(desired.variants[0]) else {"DeploymentConfig": self.specification["rollout"]}
        try:
            self.sagemaker.update_endpoint(
                EndpointName=self.endpoint, EndpointConfigName=desired.name, **shifted, **retained
            )
        except ClientError:
            description = self.sagemaker.describe_endpoint(EndpointName=self.endpoint)
            if description["EndpointStatus"] in _TRANSIENT:
                raise BusyError from None
            raise

    def _registered_for_scaling(self, before: dict[str, Any]) -> list[ScalableTarget]:
        variants = [item["VariantName"] for item in before["ProductionVariants"] if not is_serverless(item)]
        return self.scaling.registered(variants) if variants else []

    def _restore_scaling(self, registered: list[ScalableTarget]) -> bool:
        """Register scalable targets again, and tell whether that succeeded."""
        try:
            self.scaling.restore(registered)
        except ClientError:
            return False
        return True

    def _clean_up(self, desired: DesiredEndpoint, before: dict[str, Any] | None) -> None:
        """Delete what this deployment created, and an endpoint that never was in service; keep what is served."""
        serving = self.wait_until_stable()
        if serving is not None and serving["EndpointConfigName"] == desired.name:
            if before is not None or serving["EndpointStatus"] != "Failed":
                return  # another deployment of the same version uses it
            self.delete()
        for kind, name in reversed(self._created):
            try:
                getattr(self.sagemaker, f"delete_{kind}")(**name)
            except ClientError:
                if self._exists(kind, name):
                    raise
            else:
                self.say(f"deleted: {next(iter(name.values()))}")

    def delete(self) -> None:
        """Delete the endpoint and wait until it is gone."""
        try:
            self.sagemaker.delete_endpoint(EndpointName=self.endpoint)
        except ClientError:
            if self._exists("endpoint", {"EndpointName": self.endpoint}):
                raise
        self.wait_until_stable()

    def _check_conversion(self, desired: DesiredEndpoint, before: dict[str, Any]) -> None:
        """Check that the endpoint can become what is desired, and say what can't be undone.

        Raises:
            UserError: it is instance-based and would become serverless.
        """
        serves_serverless = any(map(is_serverless, before["ProductionVariants"]))
        if is_serverless(desired.variants[0]) and not serves_serverless:
            raise UserError(conversion_message(self.endpoint))
        if serves_serverless and not is_serverless(desired.variants[0]):
            self.say(one_way_message(self.endpoint))


def _is_of_another(after: dict[str, Any], desired: DesiredEndpoint, before: dict[str, Any] | None) -> bool:
    """Tell whether another deployment has updated the endpoint since: it serves neither the new config nor the old."""
    return after["EndpointConfigName"] not in {desired.name, before and before["EndpointConfigName"]}
