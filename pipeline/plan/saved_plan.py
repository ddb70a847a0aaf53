"""A plan in a file, which is applied exactly, or not at all if AWS, the code or the program has changed since."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from groundloop.errors import UserError
from pipeline.config import Config
from pipeline.desired import DesiredPipeline, job_archives
from pipeline.plan.deployed_state import DeployedState, read_deployed_state
from pipeline.plan.planning import Plan
from pipeline.plan.trigger_diff import FlatRule, desired_rules
from pipeline.upsert import UpsertResult, put_pipelines

_FORMAT = 1
_REMEDY = "make a new one with `groundloop plan --out`"

Json = dict[str, Any]


@dataclass(frozen=True)
class SavedPlan:
    """The content of a plan's file.

    Attributes:
        archives: hash of each job's code.
        fingerprint: the state of AWS when the plan was made.
    """

    config: Config
    pipelines: list[DesiredPipeline]
    archives: dict[str, str]
    rules: dict[str, FlatRule]
    fingerprint: Json
    differs: bool


def save_plan(plan: Plan, path: Path) -> None:
    """Write a plan to a file.

    Raises:
        UserError: the file can't be written.
    """
    content: Json = {
        "format": _FORMAT,
        "groundloop": version("groundloop"),
        "config": plan.config.model_dump(mode="json"),
        "pipelines": [asdict(pipeline) for pipeline in plan.desired],
        "archives": {archive.name: archive.sha256 for archive in plan.archives},
        "rules": plan.rules,
        "fingerprint": _fingerprint(plan.deployed),
        "shown": plan.as_json(),
    }
    content["sha256"] = _digest(content)
    try:
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"--out {path}: can't be written: {error.strerror}") from None


def load_plan(path: Path) -> SavedPlan:
    """Read a plan from a file.

    Raises:
        UserError: the file is not a plan, was edited, or was made by another version of this program.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise UserError(f"{path} is not a plan: it is not JSON, or truncated; {_REMEDY}") from None
    if not isinstance(content, dict) or not {"format", "groundloop", "sha256"} <= content.keys():
        raise UserError(f"{path} is not a plan from `groundloop plan --out`")
    if (content["format"], content["groundloop"]) != (_FORMAT, version("groundloop")):
        raise UserError(
            f"{path} was made by groundloop {content['groundloop']} (format {content['format']}), "
            f"this is {version('groundloop')} (format {_FORMAT}): {_REMEDY}"
        )
    if content.pop("sha256") != _digest(content):
        raise UserError(f"{path} was edited or is damaged: {_REMEDY}")
    try:
        return SavedPlan(
            config=Config.model_validate(content["config"]),
            pipelines=[DesiredPipeline(**pipeline) for pipeline in content["pipelines"]],
            archives=content["archives"],
            rules=content["rules"],
            fingerprint=content["fingerprint"],
            differs=content["shown"]["differs"],
        )
    except (KeyError, TypeError, ValidationError):
        # Its hash is right, so the file is complete: it was made from other sources of the same version.
        raise UserError(f"{path} was made by another build of this program: {_REMEDY}") from None


def apply_plan(plan: SavedPlan) -> list[UpsertResult]:
    """Create or update the pipelines of a plan exactly as it showed them.

    Raises:
        UserError: AWS has changed since the plan was made, or the code here differs; nothing was changed.
    """
    _check_code(plan)
    config, names = plan.config, [pipeline.name for pipeline in plan.pipelines]
    changes = _state_changes(plan.fingerprint, _fingerprint(read_deployed_state(config, names, job_archives(config))))
    if changes:
        raise UserError(f"AWS has changed since the plan was made, so it was not applied: {_REMEDY}", *changes)
    return put_pipelines(config, plan.pipelines)


def _check_code(plan: SavedPlan) -> None:
    local = {archive.name: archive.sha256 for archive in job_archives(plan.config)}
    changed = [name for name in local.keys() | plan.archives.keys() if local.get(name) != plan.archives.get(name)]
    if changed:
        raise UserError(
            f"the code of {', '.join(sorted(changed))} differs from the code that the plan was made with: "
            f"restore that code, or {_REMEDY}"
        )
    if desired_rules(plan.config) != plan.rules:
        raise UserError(f"the triggers that this program would create differ from those of the plan: {_REMEDY}")


def _fingerprint(deployed: DeployedState) -> Json:
    """Return what must not change before a plan is applied; whether a pipeline was run meanwhile does not matter."""
    pipelines = {
        name: found
        and {
            "arn": found.arn,
            "modified": found.modified,
            "definition": hashlib.sha256(found.definition.encode()).hexdigest(),
            "description": found.description,
            "role": found.role,
            "tags": found.tags,
        }
        for name, found in deployed.pipelines.items()
    }
    return {"account": deployed.account, "pipelines": pipelines, "group": deployed.group, "rules": deployed.rules}


def _state_changes(before: Json, now: Json) -> list[str]:
    """Describe what has changed in AWS, a line each."""
    if before["account"] != now["account"]:
        return [f"the plan is for account {before['account']}, these credentials are of account {now['account']}"]
    changes = []
    for name, old in before["pipelines"].items():
        new = now["pipelines"][name]
        if old != new:
            how = (
                "was created" if old is None else "was deleted" if new is None else f"was changed at {new['modified']}"
            )
            changes.append(f"pipeline {name} {how}")
    if before["group"] != now["group"]:
        changes.append(f"the model package group was {'created' if now['group'] else 'deleted'}")
    for name in sorted(before["rules"].keys() | now["rules"].keys()):
        earlier, rule = before["rules"].get(name), now["rules"].get(name)
        if earlier != rule:
            changes.append(
                f"rule {name} was {'created' if earlier is None else 'deleted' if rule is None else 'changed'}"
            )
    return changes


def _digest(content: Json) -> str:
    """Return the hash of a file's content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
