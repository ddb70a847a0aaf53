"""An endpoint moved to a version: models, config, create or update, and everything taken back when that fails."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from groundloop.errors import UserError
from groundloop.models.autoscaling import Registered, Scaling
from groundloop.models.version_selection import version_of

#: Statuses that an endpoint leaves by itself.
_MOVING = {"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"}
_NAME_LENGTH = 63
#: What an update takes from the new config though the number of machines is retained.
_CONFIGURED = [{"VariantPropertyType": "DesiredWeight"}, {"VariantPropertyType": "DataCaptureConfig"}]
#: On everything that the job makes; `groundloop destroy` removes what carries the project's name.
PROJECT_TAG = "groundloop:project"


class BusyError(Exception):
    """Another deployment was faster: look again, and decide again."""


@dataclass(frozen=True)
class DesiredEndpoint:
    """An endpoint config that is to be served, under a name that says just what is in it.

    Two runs that want the same make the same name, so the second finds its work done.
    """

    name: str
    package: str
    variants: list[dict[str, Any]]


def desired_endpoint(specification: dict[str, Any], endpoint: str, package: str, instance_type: str) -> DesiredEndpoint:
    """The config for a version, on machines of the given type where the specification names none."""
    main, *others = specification["variants"]
    machine = {} if "ServerlessConfig" in main else {"InstanceType": instance_type}
    variants = [{**machine, **variant} for variant in ({**main, "Package": package}, *others)]
    content = {"variants": variants, "model": specification["model"], "config": specification["config"]}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:10]
    tail = f"-v{version_of(package)}-{digest}"
    # Models get a number after it.
    return DesiredEndpoint(f"{endpoint[: _NAME_LENGTH - len(tail) - 2].rstrip('-')}{tail}", package, variants)


@dataclass
class Rollout:
    """Deployments to one endpoint. ``poll_seconds`` is between two looks at it."""

    sagemaker: Any
    scaling: Scaling
    endpoint: str
    specification: dict[str, Any]
    say: Callable[[str], None]
    poll_seconds: float
    _made: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def settled(self) -> dict[str, Any] | None:
        """The endpoint's description once nothing moves it; None when there is none.

        Raises:
            UserError: AWS could not roll it back: only a person can help.
        """
        told = ""
        while True:
            try:
                described: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=self.endpoint)
            except ClientError as error:
                if _missing(error):
                    return None
                raise
            status = described["EndpointStatus"]
            if status not in _MOVING:
                if status in {"InService", "Failed"}:
                    return described
                raise UserError(f"endpoint {self.endpoint!r} is {status}: {described.get('FailureReason', 'see AWS')}")
            if status != told:
                self.say(f"endpoint {self.endpoint}: {status}")
                told = status
            time.sleep(self.poll_seconds)

    def roll_out(self, wanted: DesiredEndpoint, before: dict[str, Any] | None) -> None:
        """Create the endpoint, or update it, and wait until it serves.

        Raises:
            UserError: it failed; the endpoint serves what it served before, and what was made for this is gone.
            BusyError: another deployment began in the meantime.
        """
        self._made = []
        put_aside: list[Registered] = []
        try:
            self._make(wanted)
            if before is None:
                self._create(wanted)
            else:
                put_aside = self._put_aside(before)
                self._update(wanted, scaled=bool(put_aside))
            after = self.settled()
            if after is None or after["EndpointStatus"] != "InService" or after["EndpointConfigName"] != wanted.name:
                number = version_of(wanted.package)
                reason = (after or {}).get("FailureReason") or "it was deleted meanwhile"
                raise UserError(f"endpoint {self.endpoint!r} could not be moved to version {number}: {reason}")
        except (UserError, BusyError, ClientError):
            self._take_back(wanted, before)
            self.scaling.restore(put_aside)
            raise
        self.scale(wanted)

    def scale(self, wanted: DesiredEndpoint) -> None:
        """Register the variant for autoscaling as configured, or not at all."""
        variant = wanted.variants[0]["VariantName"]
        if self.specification["scaling"]:
            self.scaling.apply(variant, self.specification["scaling"])
        elif "ServerlessConfig" not in wanted.variants[0]:
            self.scaling.remove(self.scaling.registered([variant]))

    @property
    def _tags(self) -> list[dict[str, str]]:
        tags = {**self.specification["tags"], PROJECT_TAG: self.specification["project"]}
        return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]

    def _make(self, wanted: DesiredEndpoint) -> None:
        tags, variants = self._tags, []
        for index, variant in enumerate(wanted.variants):
            members = dict(variant)
            package, model = members.pop("Package"), f"{wanted.name}-{index}"
            container = {"ModelPackageName": package}
            self._create_once(
                "model", ModelName=model, Containers=[container], Tags=tags, **self.specification["model"]
            )
            variants.append({**members, "ModelName": model})
        self._create_once(
            "endpoint_config",
            EndpointConfigName=wanted.name,
            ProductionVariants=variants,
            Tags=tags,
            **self.specification["config"],
        )

    def _create_once(self, kind: str, **members: Any) -> None:
        """Create a model or a config; one of that name is what an earlier deployment of the same left."""
        try:
            getattr(self.sagemaker, f"create_{kind}")(**members)
        except ClientError as error:
            if "already existing" not in str(error):
                raise
            return
        name = next(iter(members))
        self._made.append((f"delete_{kind}", {name: members[name]}))

    def _create(self, wanted: DesiredEndpoint) -> None:
        self.say(f"endpoint {self.endpoint}: created with {wanted.name}")
        try:
            self.sagemaker.create_endpoint(EndpointName=self.endpoint, EndpointConfigName=wanted.name, Tags=self._tags)
        except ClientError as error:
            if "already existing" in str(error):
                raise BusyError from None
            raise

    def _update(self, wanted: DesiredEndpoint, scaled: bool) -> None:
        self.say(f"endpoint {self.endpoint}: updated to {wanted.name}")
        # Variants that have scaled keep their number of machines: the configured one may be too few for the requests.
        retained = (
            {"RetainAllVariantProperties": True, "ExcludeRetainedVariantProperties": _CONFIGURED} if scaled else {}
        )
        try:
            self.sagemaker.update_endpoint(
                EndpointName=self.endpoint,
                EndpointConfigName=wanted.name,
                DeploymentConfig=self.specification["rollout"],
                **retained,
            )
        except ClientError as error:
            if "in-progress" in str(error):
                raise BusyError from None
            raise

    def _put_aside(self, before: dict[str, Any]) -> list[Registered]:
        """Deregister the variants that scale: AWS refuses to remove or change one that does."""
        registered = self.scaling.registered([variant["VariantName"] for variant in before["ProductionVariants"]])
        self.scaling.remove(registered)
        return registered

    def _take_back(self, wanted: DesiredEndpoint, before: dict[str, Any] | None) -> None:
        """Delete what this run made, and an endpoint that never served; leave what serves alone."""
        serving = self.settled()
        if serving is not None and serving["EndpointConfigName"] == wanted.name:
            if before is not None or serving["EndpointStatus"] != "Failed":
                return  # somebody else's deployment of the same version has it
            self.delete()
        for operation, name in reversed(self._made):
            try:
                getattr(self.sagemaker, operation)(**name)
            except ClientError as error:
                if not _missing(error):
                    raise
            else:
                self.say(f"taken back: {next(iter(name.values()))}")

    def delete(self) -> None:
        """Delete the endpoint and wait until it is gone."""
        try:
            self.sagemaker.delete_endpoint(EndpointName=self.endpoint)
        except ClientError as error:
            if not _missing(error):
                raise
        self.settled()


def _missing(error: ClientError) -> bool:
    return "Could not find" in str(error) or "does not exist" in str(error)
