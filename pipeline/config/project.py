"""Writes the first files of a project: `groundloop.yaml`, the overlay of a search, their schema, `.gitignore`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from groundloop.errors import UserError
from pipeline.config.files import PACKAGED_CONFIGS, PROJECT_FILES
from pipeline.config.loading import load_with_origins
from pipeline.config.schema import editor_schema

PROJECT_FILE = PROJECT_FILES[0]
SCHEMA_FILE = "groundloop.schema.json"
#: The overlay of a search for hyperparameters, in the place where docs and `groundloop tune apply` have it.
TUNE_FILE = "configs/tune.yaml"
#: What runs and proofs leave in the working folder, and no repository should hold.
IGNORED = (".groundloop/", "proof/")
_COMMENT_COLUMN = 40


@dataclass(frozen=True)
class ProjectSettings:
    """What a project's file is begun with; None leaves a setting commented out, with an example."""

    name: str = "groundloop"
    region: str = "us-east-1"
    role: str | None = None
    bucket: str | None = None
    manifest: str | None = None
    classes: Sequence[str] = ()


def create_project(folder: Path, settings: ProjectSettings) -> list[Path]:
    """Write the files of a project into a folder, which is created if it does not exist.

    Returns:
        The files that were written. An existing `.gitignore` gets the lines that it lacks.

    Raises:
        UserError: the folder has one of the other files already, or can't be written; then nothing is changed.
        ConfigError: a setting is not valid.
    """
    _check(settings)
    for name in (*PROJECT_FILES, TUNE_FILE, SCHEMA_FILE):
        if (folder / name).exists():
            raise UserError(f"{folder / name} already exists; edit it, or choose another folder")
    written = {
        PROJECT_FILE: project_yaml(settings),
        TUNE_FILE: tune_yaml(settings.name),
        SCHEMA_FILE: json.dumps(editor_schema(), indent=2, ensure_ascii=False) + "\n",
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        present = ignore.read_text(encoding="utf-8") if ignore.is_file() else ""
        if lacking := [line for line in IGNORED if line not in present.splitlines()]:
            begun = present if not present or present.endswith("\n") else f"{present}\n"
            written[".gitignore"] = begun + "".join(f"{line}\n" for line in lacking)
        (folder / TUNE_FILE).parent.mkdir(exist_ok=True)
        for name, text in written.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its .gitignore is not UTF-8"
        raise UserError(f"{folder}: can't be written: {reason}") from None
    return [folder / name for name in written]


def _check(settings: ProjectSettings) -> None:
    """Check the settings as they will be when the file is read."""
    given = {
        "pipeline.name": settings.name,
        "pipeline.deploy_name": f"{settings.name}-deploy",
        "registry.group": settings.name,
        "deploy.endpoint.name": settings.name,
        "aws.region": settings.region,
        "aws.role": settings.role,
        "aws.bucket": settings.bucket,
        "labels.manifest": settings.manifest,
        "labels.classes": list(settings.classes),
    }
    assignments = [f"{key}={_yaml(value)}" for key, value in given.items() if value is not None]
    load_with_origins((), assignments, {}, project=False, incomplete=True)


def project_yaml(settings: ProjectSettings) -> str:
    """Return the text of a project's file: the settings that one has to choose, and those that are changed first."""
    name = settings.name
    lines = [
        (f"# yaml-language-server: $schema={SCHEMA_FILE}", ""),
        ("# The settings of this project; others keep their defaults: groundloop config show --defaults", ""),
        ("# groundloop finds this file in the working folder. Over it go --config, environment variables, --set.", ""),
        ("", ""),
        ("pipeline:", ""),
        (f"  name: {_yaml(name)}", "pipeline in Studio"),
        (f"  deploy_name: {_yaml(f'{name}-deploy')}", "pipeline that deploys approved versions"),
        ("", ""),
        ("aws:", ""),
        (f"  region: {_yaml(settings.region)}", "of pipeline, jobs and bucket"),
        (
            _setting("role", settings.role, "arn:aws:iam::111122223333:role/groundloop"),
            "groundloop doctor --policy role",
        ),
        (_setting("bucket", settings.bucket, "my-bucket"), "for code, data and results"),
        ("", ""),
        ("labels:", ""),
        (
            _setting("manifest", settings.manifest, "s3://my-bucket/labels/output.manifest"),
            "output of the labelling job",
        ),
        (_setting("classes", list(settings.classes) or None, ["nut", "bolt"]), "in id order; default: all, sorted"),
        (_setting("additional_sources", None, [{"uri": "s3://my-bucket/reviewed/"}]), "COCO, YOLO, VOC, CSV, A2I"),
        ("", ""),
        ("training:", ""),
        ("  instance_type: ml.g4dn.xlarge", "needs quota; groundloop doctor checks it"),
        ("  hyperparameters:", ""),
        ("    epochs: 30", "passes over the training images"),
        ("    mini_batch_size: 32", "images per step"),
        ("", ""),
        ("gate:", "a model that misses a threshold is not registered"),
        ("  thresholds: {map: 0.3, map_50: 0.5, voc_map: 0.5}", ""),
        ("", ""),
        ("registry:", ""),
        (f"  group: {_yaml(name)}", "model package group"),
        ("", ""),
        ("deploy:", ""),
        ("  mode: on_approval", "or on_pass: once the gate passes; or never"),
        ("  endpoint:", ""),
        (f"    name: {_yaml(name)}", "billed as long as it exists"),
    ]
    return "".join(f"{text:<{_COMMENT_COLUMN}}  # {comment}\n" if comment else f"{text}\n" for text, comment in lines)


def tune_yaml(name: str) -> str:
    """Return the text of the overlay that searches for hyperparameters in pipelines of its own.

    Args:
        name: of the project.
    """
    text = (PACKAGED_CONFIGS / "tune.yaml").read_text(encoding="utf-8")
    text = text.replace("$schema=schema.json", f"$schema=../{SCHEMA_FILE}").replace("--config configs/prod.yaml ", "")
    return re.sub(r"\bgroundloop(-tune|-deploy)", lambda found: f"{name}{found[1]}", text)


def _setting(key: str, value: Any, example: Any) -> str:
    return f"  # {key}: {_yaml(example)}" if value is None else f"  {key}: {_yaml(value)}"


def _yaml(value: Any) -> str:
    """Return a value as one line of YAML, in quotes where it needs them."""
    text: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("...\n").strip()
