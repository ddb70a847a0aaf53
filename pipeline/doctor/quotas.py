"""Check the service quotas of instance types and run times, and that EC2 offers the training instance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, get_args

from botocore.exceptions import ClientError

from groundloop.aws import offline_endpoint
from groundloop.spec.instance_types import is_retired
from groundloop.spec.object_detection import CURRENT_INSTANCE_TYPES
from pipeline.config import Config
from pipeline.doctor.findings import AccountFinding, error, ok, unverified, warning
from pipeline.doctor.session import Aws
from steps.train.settings import TrainInstanceType

QUOTAS = "quotas"
_SERVICE = "sagemaker"
_TRAINING = "training.instance_type"
# Default of the quotas on run times: 5 days. Shorter jobs need no look.
_DEFAULT_MAX_RUNTIME_SECONDS = 432_000
# For jobs that any CPU instance can do.
_COMMON = ["ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.m5.4xlarge", "ml.c5.xlarge", "ml.c5.2xlarge"]


@dataclass(frozen=True)
class Need:
    """Instances that one execution uses at a time.

    Attributes:
        use: as in the quota's name, such as `training job`.
        instance_type: their type.
        count: how many.
        setting: the key of the instance type in the configuration.
        others: types that would do as well, the best first.
    """

    use: str
    instance_type: str
    count: int
    setting: str
    others: list[str]

    def quota_of(self, instance_type: str) -> str:
        """Return the name that Service Quotas has for it."""
        return f"{instance_type} for {self.use} usage"


@dataclass(frozen=True)
class Quota:
    """A quota as it is applied to the account."""

    value: float
    code: str


def needs(config: Config) -> list[Need]:
    """List the instances that each job and the endpoint need."""
    training, predict, registry = config.training, config.predict, config.registry
    parallel = training.tuning.parallel_jobs if training.tuning.enabled else 1
    use = "spot training job" if training.spot.enabled else "training job"
    usable = [name for name in get_args(TrainInstanceType) if not is_retired(name)]
    gpus = list(dict.fromkeys([*CURRENT_INSTANCE_TYPES, *usable]))
    found = [
        Need("processing job", config.processing.instance_type, 1, "processing.instance_type", _COMMON),
        Need(use, training.instance_type, training.instance_count * parallel, _TRAINING, gpus),
        Need(
            "transform job",
            predict.instance_type,
            predict.instance_count,
            "predict.instance_type",
            list(registry.transform_instance_types),
        ),
    ]
    endpoint = config.deploy.endpoint
    if config.deploy.mode != "never" and not endpoint.serverless:
        instances: Counter[str] = Counter({endpoint.instance_type: endpoint.instance_count})
        for variant in endpoint.additional_variants:
            instances[variant.instance_type or endpoint.instance_type] += variant.instance_count
        found += [
            Need("endpoint", name, count, "deploy.endpoint.instance_type", list(registry.inference_instance_types))
            for name, count in instances.items()
        ]
    return found


def quotas(config: Config, aws: Aws) -> list[AccountFinding]:
    """Check the quota of each instance type and use, and of the run times."""
    required = needs(config)
    if offline_endpoint():
        what = "quotas of " + ", ".join(need.quota_of(need.instance_type) for need in required)
        return [unverified(QUOTAS, what, "the offline AWS has no instances and no quotas")]
    run_times = _long_run_times(config)
    found = _read(aws.client("service-quotas"), required, run_times)
    offered = _offered(aws, [config.training.instance_type, *CURRENT_INSTANCE_TYPES])
    return [
        *(
            _instances(need, found, config.aws.region, offered if need.setting == _TRAINING else None)
            for need in required
        ),
        *(_run_time(name, seconds, setting, found) for name, (seconds, setting) in run_times.items()),
    ]


def _long_run_times(config: Config) -> dict[str, tuple[int, str]]:
    """Return quota name, and seconds and key, of the run times that exceed the quotas' default."""
    configured = {
        "training": (config.training.max_runtime_minutes * 60, "training.max_runtime_minutes"),
        "processing": (config.processing.max_runtime_minutes * 60, "processing.max_runtime_minutes"),
    }
    return {
        f"Longest run time for a {kind} job": (seconds, setting)
        for kind, (seconds, setting) in configured.items()
        if seconds > _DEFAULT_MAX_RUNTIME_SECONDS
    }


def _offered(aws: Aws, instance_types: list[str]) -> set[str] | None:
    """Return which instance types EC2 offers in the region; None if it can't be asked."""
    names = [name.removeprefix("ml.") for name in instance_types]
    try:
        offerings = aws.client("ec2").describe_instance_type_offerings(
            LocationType="region", Filters=[{"Name": "instance-type", "Values": list(dict.fromkeys(names))}]
        )["InstanceTypeOfferings"]
    except ClientError:
        return None  # the quotas decide alone
    return {f"ml.{item['InstanceType']}" for item in offerings}


def _read(client: Any, required: list[Need], names: Collection[str]) -> dict[str, Quota]:
    """Return quotas by name; the list is long, so reading ends when all that is needed is known to suffice."""
    found: dict[str, Quota] = {}
    for page in _pages(client):
        # The account's own value comes before the default.
        for item in page:
            found.setdefault(item["QuotaName"], Quota(float(item["Value"]), item["QuotaCode"]))
        enough = (found.get(need.quota_of(need.instance_type)) for need in required)
        sufficient = all(quota and quota.value >= 2 * need.count for quota, need in zip(enough, required, strict=True))
        if sufficient and found.keys() >= set(names):
            break
    return found


def _pages(client: Any) -> Iterator[list[dict[str, Any]]]:
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        for page in client.get_paginator(operation).paginate(ServiceCode=_SERVICE, PaginationConfig={"PageSize": 100}):
            yield page["Quotas"]


def _instances(need: Need, found: dict[str, Quota], region: str, offered: set[str] | None) -> AccountFinding:
    """Compare a need with its quota; `offered` are the types that EC2 offers, None where nobody knows."""
    name = need.quota_of(need.instance_type)
    check = f"quota, {need.use}"
    quota = found.get(name)
    if quota is None and not any(other.endswith(f" for {need.use} usage") for other in found):
        return unverified(check, name, "Service Quotas lists no instance type for this use")
    retired = f"; EC2 retires the generation of {need.instance_type}" if is_retired(need.instance_type) else ""
    if quota is None:
        text = f"{region} does not offer {need.instance_type} for this use{retired}"
        return error(check, text, _alternative(need, found, offered))
    text = f"{need.instance_type}: quota {quota.value:g}, needed {need.count}"
    if offered is not None and need.instance_type not in offered:
        text += f", but EC2 does not offer {need.instance_type.removeprefix('ml.')} in {region}{retired}"
        return error(check, text, _alternative(need, found, offered))
    if quota.value < need.count:
        alternative = _alternative(need, found, offered)
        # An increase for a retired generation is not granted any more.
        remedy = alternative if retired else f"{_request(quota, need.count)}; or {alternative}"
        return error(check, text + retired, remedy)
    if retired and offered is None:
        return warning(check, text + retired, f"if there is no capacity, {_alternative(need, found, offered)}")
    if need.use == "endpoint" and quota.value < 2 * need.count:
        remedy = (
            f"request {2 * need.count} of {name!r}: an update starts the new instances before it stops the old ones"
        )
        return warning(check, text, remedy)
    return ok(check, text)


def _run_time(name: str, seconds: int, setting: str, found: dict[str, Quota]) -> AccountFinding:
    check = "quota, run time"
    quota = found.get(name)
    if quota is None:
        return unverified(check, f"{name}, {seconds} s configured", "Service Quotas does not list it")
    text = f"{name}: quota {quota.value:g} s, {setting} is {seconds} s"
    if quota.value < seconds:
        return error(check, text, f"set {setting} to at most {int(quota.value // 60)}, or {_request(quota, seconds)}")
    return ok(check, text)


def _request(quota: Quota, value: int) -> str:
    return (
        f"request an increase: aws service-quotas request-service-quota-increase --service-code {_SERVICE} "
        f"--quota-code {quota.code} --desired-value {value}"
    )


def _alternative(need: Need, found: dict[str, Quota], offered: set[str] | None) -> str:
    """Name the assignment that works: the first other type that has quota, or how to request some."""
    others = [
        name
        for name in need.others
        if name != need.instance_type and (offered is None or name not in CURRENT_INSTANCE_TYPES or name in offered)
    ]
    for name in others:
        quota = found.get(need.quota_of(name))
        if quota and quota.value >= need.count:
            return f"use --set {need.setting}={name} (quota {quota.value:g})"
    for name in others:
        if quota := found.get(need.quota_of(name)):
            return (
                f"no usual type has quota; for {name}, {_request(quota, need.count)}, then --set {need.setting}={name}"
            )
    return f"no usual type has quota: request one in Service Quotas, then set {need.setting}"
