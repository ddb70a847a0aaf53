"""Service quotas of the instance types, by use; a type without a quota is not offered in the region."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from groundloop.aws import offline_endpoint
from pipeline.config import Config
from pipeline.doctor.findings import AccountFinding, error, ok, unverified, warning
from pipeline.doctor.session import Aws
from steps.train.settings import TrainInstanceType

QUOTAS = "quotas"
_SERVICE = "sagemaker"
_SUGGESTED = 3
# For jobs that any CPU instance can do.
_COMMON = ["ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.m5.4xlarge", "ml.c5.xlarge", "ml.c5.2xlarge"]


@dataclass(frozen=True)
class Need:
    """Instances that one execution uses at a time.

    Attributes:
        use: as in the quota's name, ``training job``.
        setting: where the type is configured.
        others: types that would do as well, the next best first.
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
    use = "spot training job" if training.spot.enabled else "training job"
    gpus = list(get_args(TrainInstanceType))
    after = gpus[gpus.index(training.instance_type) + 1 :] + gpus[: gpus.index(training.instance_type)]
    found = [
        Need("processing job", config.processing.instance_type, 1, "processing.instance_type", _COMMON),
        Need(use, training.instance_type, training.instance_count, "training.instance_type", after),
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
        machines: Counter[str] = Counter({endpoint.instance_type: endpoint.instance_count})
        for variant in endpoint.additional_variants:
            machines[variant.instance_type or endpoint.instance_type] += variant.instance_count
        found += [
            Need("endpoint", name, count, "deploy.endpoint.instance_type", list(registry.inference_instance_types))
            for name, count in machines.items()
        ]
    return found


def quotas(config: Config, aws: Aws) -> list[AccountFinding]:
    """One line for each type and use."""
    wanted = needs(config)
    if offline_endpoint():
        what = "whether the instances may be used: " + ", ".join(need.quota_of(need.instance_type) for need in wanted)
        return [unverified(QUOTAS, what, "the offline AWS has no instances and no quotas")]
    found = _read(aws.client("service-quotas"), wanted)
    return [_judged(need, found, config.aws.region) for need in wanted]


def _read(client: Any, wanted: list[Need]) -> dict[str, Quota]:
    """Quotas by name; the whole list is long, so it is read only until all that is wanted is known to suffice."""
    found: dict[str, Quota] = {}
    for page in _pages(client):
        # The account's own value comes before the default.
        for item in page:
            found.setdefault(item["QuotaName"], Quota(float(item["Value"]), item["QuotaCode"]))
        enough = (found.get(need.quota_of(need.instance_type)) for need in wanted)
        if all(quota and quota.value >= 2 * need.count for quota, need in zip(enough, wanted, strict=True)):
            break
    return found


def _pages(client: Any) -> Iterator[list[dict[str, Any]]]:
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        for page in client.get_paginator(operation).paginate(ServiceCode=_SERVICE, PaginationConfig={"PageSize": 100}):
            yield page["Quotas"]


def _judged(need: Need, found: dict[str, Quota], region: str) -> AccountFinding:
    name = need.quota_of(need.instance_type)
    check = f"quota, {need.use}"
    quota = found.get(name)
    if quota is None and not any(other.endswith(f" for {need.use} usage") for other in found):
        return unverified(check, name, "Service Quotas lists no instance type for this use")
    if quota is None:
        return error(check, f"{region} does not offer {need.instance_type} for this use", _instead(need, found))
    told = f"{need.instance_type}: quota {quota.value:g}, needed {need.count}"
    if quota.value < need.count:
        ask = (
            f"ask for it: aws service-quotas request-service-quota-increase --service-code {_SERVICE} "
            f"--quota-code {quota.code} --desired-value {need.count}"
        )
        return error(check, told, f"{ask}; or {_instead(need, found)}")
    if need.use == "endpoint" and quota.value < 2 * need.count:
        remedy = f"ask for {2 * need.count} of {name!r}: an update starts the new instances before it ends the old ones"
        return warning(check, told, remedy)
    return ok(check, told)


def _instead(need: Need, found: dict[str, Quota]) -> str:
    """Name the next instance types that have quota."""
    fitting = [
        f"{other} (quota {found[need.quota_of(other)].value:g})"
        for other in need.others
        if other != need.instance_type
        and need.quota_of(other) in found
        and found[need.quota_of(other)].value >= need.count
    ]
    if not fitting:
        return f"none of the usual types has quota for it: ask for one ({need.setting})"
    return f"set {need.setting} to {' or '.join(fitting[:_SUGGESTED])}"
