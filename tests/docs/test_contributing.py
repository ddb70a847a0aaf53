"""What contributors are asked to use exists: hooks, settings and paths that the pages name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.generate import REFERENCE
from pipeline.config import Config

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path for pattern in ("*.md", "docs/*.md", "docs/adr/*.md", "examples/**/*.md") for path in ROOT.glob(pattern)
)
SETTINGS = set(re.findall(r"^\| `([^`]+)`", (REFERENCE / "configuration.md").read_text(encoding="utf-8"), re.MULTILINE))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def in_backticks(page: Path) -> list[str]:
    prose = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`([^`\n]+)`", prose)


def test_the_hooks_run_the_programs_of_make_lint() -> None:
    hooks: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    lint = makefile[makefile.index("\nlint:") : makefile.index("\ntest:")]
    commands = [hook["entry"].removeprefix(".venv/bin/").removesuffix(" --force-exclude") for hook in hooks]
    assert [command for command in commands if f"$(BIN)/{command}" not in lint] == []
    assert len(commands) == lint.count("$(BIN)/")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_settings_that_a_page_names_exist(page: Path) -> None:
    words = [word.partition(":")[0] for word in in_backticks(page)]
    keys = [word for word in words if re.fullmatch(r"[a-z_]+(\.[a-z_0-9]+)+", word)]
    suffixes = (
        ".py",
        ".md",
        ".json",
        ".jsonl",
        ".yaml",
        ".html",
        ".txt",
        ".csv",
        ".manifest",
        ".mypy",
        ".importlinter",
    )
    ours = [key for key in keys if key.split(".")[0] in Config.model_fields and not key.endswith(suffixes)]
    unknown = [key for key in ours if not any(one == key or one.startswith(f"{key}.") for one in SETTINGS)]
    assert unknown == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_paths_that_a_page_names_exist(page: Path) -> None:
    folders = ("groundloop/", "pipeline/", "steps/", "configs/", "tests/", "docs/", "examples/", "benchmarks/")
    paths = [word for word in in_backticks(page) if word.startswith(folders) and not re.search(r"[<>*{ ]", word)]
    assert [path for path in paths if not (ROOT / path).exists()] == []
