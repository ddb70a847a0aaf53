"""A plan in a file, and applying exactly that: refused when AWS, the code or the program is another by then."""

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
from pipeline.plan.trigger_diff import Facts, desired_rules
from pipeline.upsert import UpsertResult, put_pipelines

_FORMAT = 1
_AGAIN = "make a new one with `groundloop plan --out`"

Json = dict[str, Any]


@dataclass(frozen=True)
class SavedPlan:
    """What a plan's file holds. ``read``: what stood in AWS; ``archives``: job to hash of its code."""

    config: Config
    pipelines: list[DesiredPipeline]
    archives: dict[str, str]
    rules: dict[str, Facts]
    read: Json
    differs: bool


def save_plan(plan: Plan, path: Path) -> None:
    """Write a plan's file.

    Raises:
        UserError: it can't be written.
    """
    content: Json = {
        "format": _FORMAT,
        "groundloop": version("groundloop"),
        "config": plan.config.model_dump(mode="json"),
        "pipelines": [asdict(pipeline) for pipeline in plan.compiled],
        "archives": {archive.name: archive.sha256 for archive in plan.archives},
        "rules": plan.rules,
        "read": _fingerprint(plan.standing),
        "shown": plan.as_json(),
    }
    content["sha256"] = _digest(content)
    try:
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"--out {path}: can't be written: {error.strerror}") from None


def load_plan(path: Path) -> SavedPlan:
    """Read a plan's file.

    Raises:
        UserError: it isn't one, was changed since, or another version of this program made it.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}") from None
    except ValueError:
        raise UserError(f"{path}: is no plan: not JSON, or cut short; {_AGAIN}") from None
    if not isinstance(content, dict) or not {"format", "groundloop", "sha256"} <= content.keys():
        raise UserError(f"{path}: is no plan of `groundloop plan --out`")
    if (content["format"], content["groundloop"]) != (_FORMAT, version("groundloop")):
        raise UserError(
            f"{path}: was made by groundloop {content['groundloop']} (format {content['format']}), "
            f"this is {version('groundloop')} (format {_FORMAT}): {_AGAIN}"
        )
    if content.pop("sha256") != _digest(content):
        raise UserError(f"{path}: was changed after it was made, or is damaged: {_AGAIN}")
    try:
        return SavedPlan(
            config=Config.model_validate(content["config"]),
            pipelines=[DesiredPipeline(**pipeline) for pipeline in content["pipelines"]],
            archives=content["archives"],
            rules=content["rules"],
            read=content["read"],
            differs=content["shown"]["differs"],
        )
    except (KeyError, TypeError, ValidationError):
        # Its hash is right, so it is whole: it was made from other sources of the same version.
        raise UserError(f"{path}: was made by another state of this program: {_AGAIN}") from None


def apply_plan(plan: SavedPlan) -> list[UpsertResult]:
    """Bring the pipelines of a plan to AWS, as they were shown.

    Raises:
        UserError: something in AWS changed since the plan was made, or the code here is another; nothing was changed.
    """
    _same_code(plan)
    config, names = plan.config, [pipeline.name for pipeline in plan.pipelines]
    moved = _moved(plan.read, _fingerprint(read_deployed_state(config, names, job_archives())))
    if moved:
        raise UserError("\n".join([f"AWS has changed since the plan was made, so it is not applied: {_AGAIN}", *moved]))
    return put_pipelines(config, plan.pipelines)


def _same_code(plan: SavedPlan) -> None:
    here = {archive.name: archive.sha256 for archive in job_archives()}
    changed = [name for name in here.keys() | plan.archives.keys() if here.get(name) != plan.archives.get(name)]
    if changed:
        raise UserError(
            f"the code of {', '.join(sorted(changed))} here is not the code that the plan was made with: "
            f"go back to that, or {_AGAIN}"
        )
    if desired_rules(plan.config) != plan.rules:
        raise UserError(f"the triggers that this program would make are not those of the plan: {_AGAIN}")


def _fingerprint(standing: DeployedState) -> Json:
    """What has to be as it was; whether a pipeline was run meanwhile is none of it."""
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
        for name, found in standing.pipelines.items()
    }
    return {"account": standing.account, "pipelines": pipelines, "group": standing.group, "rules": standing.rules}


def _moved(before: Json, now: Json) -> list[str]:
    """What is no longer as it was, a line each."""
    if before["account"] != now["account"]:
        return [f"the plan is for account {before['account']}, these credentials are of account {now['account']}"]
    told = []
    for name, old in before["pipelines"].items():
        new = now["pipelines"][name]
        if old != new:
            how = "was made" if old is None else "was deleted" if new is None else f"was changed at {new['modified']}"
            told.append(f"pipeline {name} {how}")
    if before["group"] != now["group"]:
        told.append(f"the model package group was {'made' if now['group'] else 'deleted'}")
    for name in sorted(before["rules"].keys() | now["rules"].keys()):
        earlier, rule = before["rules"].get(name), now["rules"].get(name)
        if earlier != rule:
            told.append(f"rule {name} was {'made' if earlier is None else 'deleted' if rule is None else 'changed'}")
    return told


def _digest(content: Json) -> str:
    """Hash of all that a file says."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
