"""Approvals at the same time: whatever their order, the endpoint ends on the highest approved version."""

from __future__ import annotations

import threading
from argparse import Namespace
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from groundloop.models.autoscaling import Scaling
from groundloop.models.rollout import Rollout
from steps.deploy.arguments import LATEST_APPROVED
from steps.deploy.job import reconcile

GROUP = "arn:aws:sagemaker:us-east-1:111122223333:model-package/detectors"
#: Descriptions of an endpoint until its update is over.
UPDATE_LASTS = 5


class Registry:
    """The operations of SageMaker that a deployment uses, for threads; an update takes some looks at it."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.approved: list[str] = []
        self.deployed: list[str] = []
        self._models: dict[str, Any] = {}
        self._configs: dict[str, Any] = {}
        self._busy = 0

    def approve(self, version: int) -> str:
        with self._lock:
            self.approved.append(f"{GROUP}/{version}")
            return self.approved[-1]

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_model_packages"
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        with self._lock:
            return [{"ModelPackageSummaryList": [{"ModelPackageArn": arn} for arn in self.approved]}]

    def describe_model_package(self, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803  boto3's names
        with self._lock:
            status = "Approved" if ModelPackageName in self.approved else "PendingManualApproval"
            return {"ModelPackageArn": ModelPackageName, "ModelApprovalStatus": status}

    def create_model(self, ModelName: str, **members: Any) -> None:  # noqa: N803
        self._create(self._models, ModelName, members)

    def create_endpoint_config(self, EndpointConfigName: str, **members: Any) -> None:  # noqa: N803
        self._create(self._configs, EndpointConfigName, members)

    def describe_model(self, ModelName: str) -> Any:  # noqa: N803
        return self._described(self._models, ModelName)

    def describe_endpoint_config(self, EndpointConfigName: str) -> Any:  # noqa: N803
        return self._described(self._configs, EndpointConfigName)

    def delete_model(self, ModelName: str) -> None:  # noqa: N803
        with self._lock:
            del self._models[ModelName]

    def delete_endpoint_config(self, EndpointConfigName: str) -> None:  # noqa: N803
        with self._lock:
            del self._configs[EndpointConfigName]

    def create_endpoint(self, EndpointConfigName: str, **_: Any) -> None:  # noqa: N803
        self._deploy(EndpointConfigName, refused=bool(self.deployed))

    def update_endpoint(self, EndpointConfigName: str, **_: Any) -> None:  # noqa: N803
        self._deploy(EndpointConfigName, refused=self._busy > 0)

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:  # noqa: N803
        with self._lock:
            if not self.deployed:
                raise _rejected("Could not find endpoint")
            self._busy = max(0, self._busy - 1)
            variant = {"VariantName": "AllTraffic", "CurrentInstanceCount": 1}
            return {
                "EndpointName": EndpointName,
                "EndpointStatus": "Updating" if self._busy else "InService",
                "EndpointConfigName": self.deployed[-1],
                "ProductionVariants": [variant],
            }

    def _deploy(self, config: str, *, refused: bool) -> None:
        with self._lock:
            if refused or config not in self._configs:
                raise _rejected("Cannot update in-progress endpoint")
            self.deployed.append(config)
            self._busy = UPDATE_LASTS

    def _create(self, resources: dict[str, Any], name: str, members: dict[str, Any]) -> None:
        with self._lock:
            if name in resources:
                raise _rejected("Cannot create already existing")
            resources[name] = members

    def _described(self, resources: dict[str, Any], name: str) -> Any:
        with self._lock:
            if name not in resources:
                raise _rejected("Could not find")
            return resources[name]


def _rejected(message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationException", "Message": message}}, "Operation")


class NoScaling:
    """Application Auto Scaling without any target."""

    def describe_scalable_targets(self, **_: Any) -> dict[str, Any]:
        return {"ScalableTargets": []}


SPECIFICATION: dict[str, Any] = {
    "group": "detectors",
    "variants": [{"VariantName": "AllTraffic", "InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge"}],
    "model": {},
    "config": {},
    "tags": {},
    "project": "p",
    "rollout": {},
    "scaling": None,
}


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 1, 2)], ids=str)
@pytest.mark.parametrize("repeat", range(4))
def test_racing_approvals_end_on_the_highest_version_with_one_deployment_each(
    order: tuple[int, ...], repeat: int
) -> None:
    registry, start, failures = Registry(), threading.Barrier(len(order)), []

    def approve(version: int) -> None:
        rollout = Rollout(registry, Scaling(NoScaling(), None, "bolts"), "bolts", SPECIFICATION, lambda _: None, 0.001)
        start.wait()
        changed = registry.approve(version)
        arguments = Namespace(changed=changed, package=LATEST_APPROVED, any_status=False, instance_type="ml.m5.xlarge")
        try:
            reconcile(rollout, arguments)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=approve, args=(version,)) for version in order]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert not failures
    serving = registry.describe_endpoint("bolts")["EndpointConfigName"]
    (variant,) = registry.describe_endpoint_config(serving)["ProductionVariants"]
    (container,) = registry.describe_model(variant["ModelName"])["Containers"]
    assert container["ModelPackageName"] == f"{GROUP}/3"
    assert max(Counter(registry.deployed).values()) == 1, registry.deployed
