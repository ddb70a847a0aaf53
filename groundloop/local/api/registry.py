"""The model registry: groups, and packages with increasing version numbers."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import datetime
from typing import Any

from groundloop.local.api.model_card import check_model_card
from groundloop.local.api.paging import in_order, page, within
from groundloop.local.api.tags import Tags
from groundloop.local.context import Context, now
from groundloop.local.errors import invalid

Package = dict[str, Any]


def _check_metadata(request: dict[str, Any]) -> None:
    """Check what botocore's model leaves open: the model card's schema, and the characters of the metadata."""
    if request.get("ModelCard"):
        check_model_card(request["ModelCard"])
    for key, value in (request.get("CustomerMetadataProperties") or {}).items():
        if any(c not in "_.:/=+-@" and unicodedata.category(c)[0] not in "LZN" for c in key + value):
            raise invalid(
                f"1 validation error detected: Value {value!r} at 'customerMetadataProperties.{key}' failed to satisfy "
                "constraint: Member must satisfy regular expression pattern: "
                r"([\p{L}\p{Z}\p{N}_.:\/=+\-@]*)${1,256}"
            )


class Registry:
    """All model packages of one offline AWS."""

    def __init__(self, context: Context, tags: Tags) -> None:
        self._context, self._tags = context, tags
        self._groups: dict[str, dict[str, Any]] = {}
        self._packages: dict[str, Package] = {}
        self._last_version: dict[str, int] = {}
        self._approved: Callable[[Package], None] = lambda package: None

    def state(self) -> dict[str, Any]:
        """Return all groups and packages as JSON values and times."""
        return {
            "groups": self._groups,
            "packages": self._packages,
            "last_version": self._last_version,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self._groups.update(state["groups"])
        self._packages.update(state["packages"])
        self._last_version.update(state["last_version"])

    def on_approval(self, callback: Callable[[Package], None]) -> None:
        """Call `callback` with every package whose approval status is set (the event that EventBridge gets)."""
        self._approved = callback

    def _user(self) -> dict[str, Any]:
        return {
            "IamIdentity": {"Arn": f"arn:aws:iam::{self._context.account}:root", "PrincipalId": self._context.account}
        }

    def _group(self, name: str) -> dict[str, Any]:
        key = name.rsplit("/", 1)[-1]
        if key not in self._groups:
            raise invalid(f"ModelPackageGroup {self._context.arn(f'model-package-group/{key}')} does not exist.")
        return self._groups[key]

    def _package(self, name: str) -> Package:
        arn = name if name.startswith("arn:") else self._context.arn(f"model-package/{name}")
        if arn not in self._packages:
            raise invalid(f"ModelPackage {arn} does not exist.")
        return self._packages[arn]

    def container(self, name: str) -> dict[str, Any]:
        """Return the container of a package, for a model made from it."""
        package = self._package(name)
        containers = package.get("InferenceSpecification", {}).get("Containers", [])
        if len(containers) != 1:
            raise invalid(
                f"ModelPackage {package['ModelPackageArn']} has no InferenceSpecification with one container."
            )
        return dict(containers[0])

    def create_model_package_group(self, request: dict[str, Any]) -> dict[str, Any]:
        """Create a model package group."""
        name = request["ModelPackageGroupName"]
        arn = self._context.arn(f"model-package-group/{name}")
        with self._context.lock:
            if name in self._groups:
                raise invalid(f"Model Package Group already exists: {arn}")
            self._groups[name] = {
                **request,
                "ModelPackageGroupArn": arn,
                "CreationTime": now(),
                "CreatedBy": self._user(),
                "ModelPackageGroupStatus": "Completed",
            }
            self._tags.set(arn, request)
        return {"ModelPackageGroupArn": arn}

    def describe_model_package_group(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a model package group."""
        return self._group(request["ModelPackageGroupName"])

    def list_model_package_groups(self, request: dict[str, Any]) -> dict[str, Any]:
        """List model package groups by name and creation time."""
        found = [
            group
            for group in self._groups.values()
            if request.get("NameContains", "") in group["ModelPackageGroupName"]
            and within(request, group["CreationTime"], "CreationTimeAfter", "CreationTimeBefore")
        ]
        keys = {
            "CreationTime": lambda group: group["CreationTime"],
            "Name": lambda group: group["ModelPackageGroupName"],
        }
        return page(in_order(found, request, keys, "Descending"), request, "ModelPackageGroupSummaryList", default=10)

    def delete_model_package_group(self, request: dict[str, Any]) -> dict[str, Any]:
        """Delete a model package group that holds no packages."""
        group = self._group(request["ModelPackageGroupName"])
        name = group["ModelPackageGroupName"]
        if any(package["ModelPackageGroupName"] == name for package in self._packages.values()):
            raise invalid(
                f"Model Package Group {group['ModelPackageGroupArn']} cannot be deleted: it has model packages."
            )
        del self._groups[name]
        self._tags.drop(group["ModelPackageGroupArn"])
        return {}

    def create_model_package(self, request: dict[str, Any]) -> dict[str, Any]:
        """Register a model package, in a group under its next version number."""
        group_name, name = request.get("ModelPackageGroupName"), request.get("ModelPackageName")
        if bool(group_name) == bool(name):
            raise invalid("Exactly one of ModelPackageName and ModelPackageGroupName is required.")
        _check_metadata(request)
        versioned: dict[str, Any] = {"ModelPackageName": name, "ModelPackageGroupName": None}
        with self._context.lock:
            if group_name:
                group = self._group(group_name)["ModelPackageGroupName"]
                # Numbers are never used twice, also after a deletion.
                version = self._last_version[group] = self._last_version.get(group, 0) + 1
                versioned = {
                    # As the service: the name of a versioned package is its group's.
                    "ModelPackageName": group,
                    "ModelPackageGroupName": group,
                    "ModelPackageVersion": version,
                    "ModelApprovalStatus": request.get("ModelApprovalStatus") or "PendingManualApproval",
                    "ModelPackageRegistrationType": request.get("ModelPackageRegistrationType") or "Registered",
                }
            arn = self._context.arn(f"model-package/{group}/{version}" if group_name else f"model-package/{name}")
            if arn in self._packages:
                raise invalid(f"Model package already exists: {arn}")
            package = {
                **request,
                **versioned,
                "ModelPackageArn": arn,
                "CreationTime": now(),
                "LastModifiedTime": now(),
                "CreatedBy": self._user(),
                "ModelPackageStatus": "Completed",
                "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            }
            self._packages[arn] = package
            self._tags.set(arn, request)
        if group_name:
            self._approved(package)
        return {"ModelPackageArn": arn}

    def describe_model_package(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a model package."""
        return {"CertifyForMarketplace": False, **self._package(request["ModelPackageName"])}

    def batch_describe_model_package(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return several model packages, and an error for each ARN that does not exist."""
        found = {arn: self._packages[arn] for arn in request["ModelPackageArnList"] if arn in self._packages}
        missing = {
            arn: {"ErrorCode": "ValidationException", "ErrorResponse": f"ModelPackage {arn} does not exist."}
            for arn in request["ModelPackageArnList"]
            if arn not in found
        }
        return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": missing or None}

    def update_model_package(self, request: dict[str, Any]) -> dict[str, Any]:
        """Change a model package's approval status, metadata or specification, and publish the change as an event."""
        package = self._package(request["ModelPackageArn"])
        _check_metadata(request)
        with self._context.lock:
            properties = {
                **(package.get("CustomerMetadataProperties") or {}),
                **(request.get("CustomerMetadataProperties") or {}),
            }
            for key in request.get("CustomerMetadataPropertiesToRemove") or []:
                properties.pop(key, None)
            plain = (
                "ModelApprovalStatus",
                "ApprovalDescription",
                "InferenceSpecification",
                "SourceUri",
                "ModelCard",
                "ModelLifeCycle",
            )
            changed = {member: request[member] for member in plain if request.get(member) is not None}
            if added := request.get("AdditionalInferenceSpecificationsToAdd"):
                changed["AdditionalInferenceSpecifications"] = [
                    *package.get("AdditionalInferenceSpecifications", []),
                    *added,
                ]
            # A new object: whoever holds the old one (a step's properties) keeps what it read.
            package = {
                **package,
                **changed,
                "CustomerMetadataProperties": properties or None,
                "LastModifiedTime": now(),
                "LastModifiedBy": self._user(),
            }
            self._packages[package["ModelPackageArn"]] = package
        if "ModelApprovalStatus" in changed:
            self._approved(package)
        return {"ModelPackageArn": package["ModelPackageArn"]}

    def delete_model_package(self, request: dict[str, Any]) -> dict[str, Any]:
        """Delete a model package; its version number is not used again."""
        arn = self._package(request["ModelPackageName"])["ModelPackageArn"]
        del self._packages[arn]
        self._tags.drop(arn)
        return {}

    def list_model_packages(self, request: dict[str, Any]) -> dict[str, Any]:
        """List model packages by group, approval status, name and creation time."""
        group = request.get("ModelPackageGroupName")
        if group:
            group = self._group(group)["ModelPackageGroupName"]
        kind = request.get("ModelPackageType") or ("Versioned" if group else "Unversioned")
        status = request.get("ModelApprovalStatus")
        found = [
            package
            for package in self._packages.values()
            if group in (None, package["ModelPackageGroupName"])
            and (kind == "Both" or (kind == "Versioned") == bool(package["ModelPackageGroupName"]))
            and status in (None, package.get("ModelApprovalStatus"))
            and request.get("NameContains", "") in package["ModelPackageName"]
            and within(request, package["CreationTime"], "CreationTimeAfter", "CreationTimeBefore")
        ]

        def age(package: Package) -> tuple[datetime, int]:
            return package["CreationTime"], package.get("ModelPackageVersion", 0)

        keys = {
            "CreationTime": age,
            "Name": lambda package: (package["ModelPackageName"], package.get("ModelPackageVersion", 0)),
        }
        return page(in_order(found, request, keys, "Descending"), request, "ModelPackageSummaryList", default=10)
