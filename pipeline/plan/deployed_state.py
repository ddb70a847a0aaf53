"""The state in AWS of everything that upsert would create or change. Only reads."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.config import Config
from pipeline.deployed import DeployedPipeline, caller_account, describe_deployed, has_archive, has_group
from pipeline.job_archive import JobArchive
from pipeline.plan.trigger_diff import FlatRule, deployed_rules


@dataclass(frozen=True)
class DeployedState:
    """What a plan is compared with.

    Attributes:
        pipelines: by name; None for one that does not exist.
        missing_code: names of the job archives that are not in the bucket.
    """

    account: str
    pipelines: dict[str, DeployedPipeline | None]
    group: bool
    rules: dict[str, FlatRule]
    missing_code: list[str]


def read_deployed_state(config: Config, names: list[str], archives: list[JobArchive]) -> DeployedState:
    """Read everything that upsert with this configuration would create or change."""
    return DeployedState(
        account=caller_account(config),
        pipelines={name: describe_deployed(config, name) for name in names},
        group=has_group(config),
        rules=deployed_rules(config),
        missing_code=[archive.name for archive in archives if not has_archive(config, archive)],
    )
