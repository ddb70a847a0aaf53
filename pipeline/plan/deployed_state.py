"""What AWS holds now of all that upsert would create or change. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.config import Config
from pipeline.deployed import DeployedPipeline, caller_account, describe_deployed, has_archive, has_group
from pipeline.job_archive import JobArchive
from pipeline.plan.trigger_diff import Facts, deployed_rules


@dataclass(frozen=True)
class DeployedState:
    """All that a plan is made against; ``pipelines`` holds None for one that isn't there.

    ``missing_code`` names the job archives that aren't in the bucket.
    """

    account: str
    pipelines: dict[str, DeployedPipeline | None]
    group: bool
    rules: dict[str, Facts]
    missing_code: list[str]


def read_deployed_state(config: Config, names: list[str], archives: list[JobArchive]) -> DeployedState:
    """Look at everything that upsert with this configuration would make or change."""
    return DeployedState(
        account=caller_account(config),
        pipelines={name: describe_deployed(config, name) for name in names},
        group=has_group(config),
        rules=deployed_rules(config),
        missing_code=[archive.name for archive in archives if not has_archive(config, archive)],
    )
