"""What other projects use too: the same endpoint, group of versions, or S3 prefix.

A search for hyperparameters (`configs/tune.yaml`) is such a project beside another one: it has pipelines of its own,
and registers its versions in the other's group.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

from botocore.exceptions import ClientError

from groundloop.aws import client, is_not_found
from groundloop.errors import UserError
from groundloop.models.rollout import PROJECT_TAG
from pipeline.config import Config


@dataclass(frozen=True)
class _Pipeline:
    """A pipeline of another project."""

    name: str
    definition: str

    def deploys_to(self, endpoint: str) -> bool:
        """Return whether its parameter `EndpointName` has this default."""
        parameters = json.loads(self.definition).get("Parameters") or []
        return any((item.get("Name"), item.get("DefaultValue")) == ("EndpointName", endpoint) for item in parameters)

    def registers_in(self, group: str) -> bool:
        """Return whether one of its steps registers versions in a group."""
        # Written anew, since definitions differ in their white space.
        return f'"ModelPackageGroupName": {json.dumps(group)}' in json.dumps(json.loads(self.definition))


@dataclass(frozen=True)
class ForeignEndpoint:
    """An endpoint that another project owns or uses.

    Attributes:
        name: of the endpoint.
        owner: name of the other project, or of its pipeline.
        parts: kind and name of all that it needs: itself, its config, its models.
    """

    name: str
    owner: str
    parts: frozenset[tuple[str, str]]


class OtherProjects:
    """The pipelines of account and region that are not this project's; they are read when they are first needed."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def endpoint(self, name: str) -> ForeignEndpoint | None:
        """Return an endpoint that is not this project's alone; None: it is, or does not exist.

        A Deploy job tags the endpoint that it creates with its project. Without that tag, the endpoint is of every
        pipeline that deploys to it.
        """
        sagemaker = client("sagemaker", self._config.aws.region)
        try:
            described = sagemaker.describe_endpoint(EndpointName=name)
            owner = project_tag(self._config, described["EndpointArn"])
            if owner is None:
                owner = next((other.name for other in self._pipelines if other.deploys_to(name)), None)
            if owner in (None, self._config.pipeline.name):
                return None
            config = described["EndpointConfigName"]
            variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
        except ClientError as error:
            if is_not_found(error):
                return None
            raise
        models = {("model", variant["ModelName"]) for variant in variants}
        return ForeignEndpoint(name, owner, frozenset({("endpoint", name), ("endpoint config", config), *models}))

    def check_packages(self) -> None:
        """Check that no other pipeline registers versions in the group.

        Raises:
            UserError: one does.
        """
        group = self._config.registry.group
        users = [other.name for other in self._pipelines if other.registers_in(group)]
        self._check("--packages", f"group {group}", users)

    def check_data(self) -> None:
        """Check that no other pipeline uses the S3 prefix.

        Raises:
            UserError: one does.
        """
        prefix = f"s3://{self._config.aws.bucket}/{self._config.aws.prefix}/"
        self._check("--data", prefix, [other.name for other in self._pipelines if prefix in other.definition])

    def _check(self, option: str, what: str, users: list[str]) -> None:
        if users:
            more = f" and {len(users) - 1} more" if len(users) > 1 else ""
            raise UserError(
                f"{option} would delete what others use too: pipeline {users[0]!r}{more} works with {what}; "
                f"omit {option}, or destroy the others first"
            )

    @cached_property
    def _pipelines(self) -> list[_Pipeline]:
        sagemaker, names = client("sagemaker", self._config.aws.region), self._config.pipeline
        own = {names.name, names.deploy_name, names.predict_name, names.monitor_name}
        found = []
        for page in sagemaker.get_paginator("list_pipelines").paginate():
            for name in sorted({item["PipelineName"] for item in page["PipelineSummaries"]} - own):
                try:
                    text = sagemaker.describe_pipeline(PipelineName=name)["PipelineDefinition"]
                except ClientError as error:
                    if is_not_found(error):  # deleted in the meantime
                        continue
                    raise
                found.append(_Pipeline(name, text))
        return found


def project_tag(config: Config, arn: str) -> str | None:
    """Return the project that a resource is tagged with; None: with none, or the resource does not exist."""
    try:
        tags = client("sagemaker", config.aws.region).list_tags(ResourceArn=arn)["Tags"]
    except ClientError as error:
        if is_not_found(error):  # deleted in the meantime
            return None
        raise
    return next((tag["Value"] for tag in tags if tag["Key"] == PROJECT_TAG), None)
