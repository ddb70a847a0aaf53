"""Readers of definitions, of the configuration and of plans."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from benchmarks.fuzz import odd_values, samples
from benchmarks.fuzz.reader import Target, command, function
from benchmarks.fuzz.samples import Files


def _check(folder: Path, number: int) -> None:
    definitions = sorted(folder.glob("*.json"))
    command("check", definitions[number % len(definitions)], *(["--json"] if number % 3 == 0 else []))


def _check_sample(folder: Path, number: int) -> None:
    command("check", folder / "builtin_vision.json", "--sample", f"Prepare.Summary={folder / 'summary.json'}")


def _offline_definition(folder: Path, number: int) -> None:
    from groundloop.local.executor.definition import parse

    text = (folder / "builtin_vision.json").read_bytes().decode(errors="surrogateescape")
    function(lambda: parse(text))


_SET = ("aws.role=arn:aws:iam::111122223333:role/r", "aws.bucket=bucket", "labels.manifest=s3://bucket/m.manifest")


def _config(folder: Path, number: int) -> None:
    settings = [part for assignment in _SET for part in ("--set", assignment)]
    command("config", "show", "--config", folder / "settings.yaml", *settings)


def _assignment(folder: Path, number: int) -> None:
    """Read an odd value of `--set`, of whatever key."""
    keys = ("training.hyperparameters.epochs", "aws.bucket", "gate.thresholds", "prepare.classes", "x", "", "a..b")
    value = odd_values.YAML_VALUES[number % len(odd_values.YAML_VALUES)].replace("\0", "")
    key = keys[(folder / "settings.yaml").stat().st_size % len(keys)]
    settings = [part for assignment in (*_SET, f"{key}={value}") for part in ("--set", assignment)]
    command("config", "show", "--config", folder / "settings.yaml", *settings)


def _plan_files() -> Files:
    return {"plan.json": _plan()}


@functools.cache
def _plan() -> bytes:
    from importlib.metadata import version

    from pipeline.config.loading import load_config

    pipeline = {"name": "detector", "description": "", "role": "r", "tags": {}, "definition": "{}"}
    content = {
        "format": 1,
        "groundloop": version("groundloop"),
        "config": load_config(assignments=_SET, environment={}, project=False).model_dump(mode="json"),
        "pipelines": [pipeline],
        "archives": {"prepare": "ab" * 32},
        "rules": {},
        "fingerprint": {"account": "111122223333", "pipelines": {}, "group": True, "rules": {}},
        "shown": {"differs": True},
    }
    return json.dumps({**content, "sha256": _sha256(content)}).encode()


def _sha256(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _saved_plan(folder: Path, number: int) -> None:
    """Read a plan; every second one gets the hash of what is in it, so that the rest is looked at too."""
    from pipeline.plan.saved_plan import load_plan

    path = folder / "plan.json"
    if number % 2:
        try:
            content = json.loads(path.read_bytes())
            content["sha256"] = _sha256({key: value for key, value in content.items() if key != "sha256"})
            path.write_text(json.dumps(content))
        except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
            pass
    function(lambda: load_plan(path))


TARGETS = (
    Target("definition, by check", samples.definitions, ("",), _check, 3),
    Target(
        "property file, by check",
        lambda: {**samples.definitions(), "summary.json": samples.summary()},
        ("summary",),
        _check_sample,
    ),
    Target("definition, by the offline AWS", samples.definitions, ("builtin",), _offline_definition, 2),
    Target("configuration", samples.configuration, ("settings",), _config, 3),
    Target("value of --set", samples.configuration, (), _assignment),
    Target("plan file", _plan_files, ("plan",), _saved_plan, 2),
)
