"""What the pages point to is there: files, headings, commands and their options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from pipeline.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md")
    for path in ROOT.glob(pattern)
    if "node_modules" not in path.parts
)
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def links(text: str) -> Iterator[str]:
    """Yield the targets of all links and images outside code blocks, nested ones too."""
    prose = _FENCE.sub("", text)
    yield from re.findall(r"\]\(([^)\s]+)\)", prose)


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, made as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def shell_lines(text: str) -> Iterator[str]:
    """Yield the commands of fenced `sh` blocks, comments and continuations taken care of."""
    for language, block in _FENCE.findall(text):
        if language == "sh":
            yield from (line.strip() for line in block.replace("\\\n", " ").splitlines())


def commands_in(path: Path, program: str) -> list[list[str]]:
    found = []
    for line in shell_lines(path.read_text(encoding="utf-8")):
        words = shlex.split(line, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words = words[1:]
        if words and words[0] == program:
            found.append(words[1:])
    return found


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in links(page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        place = (page.parent / file).resolve() if file else page
        is_known = place.exists() and place.is_relative_to(ROOT)
        if not is_known or (anchor and anchor not in anchors(place.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_groundloop_commands_and_their_options_exist(page: Path) -> None:
    for words in commands_in(page, "groundloop"):
        command: Any = typer.main.get_command(app)
        path = "groundloop"
        for word in words:
            below = getattr(command, "commands", {})
            if word not in below:
                break
            command, path = below[word], f"{path} {word}"
        assert path != "groundloop", f"no such command: groundloop {shlex.join(words)}"
        options = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
        given = {word.partition("=")[0] for word in words if re.fullmatch(r"--?[a-zA-Z][\w-]*(=.*)?", word)}
        assert given <= options | {"--help", "-h"}, f"{path} has no {given - options}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    given = {word for words in commands_in(page, "make") for word in words if "=" not in word}
    assert given <= targets


def test_the_readme_names_every_command() -> None:
    root: Any = typer.main.get_command(app)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [command for command in root.commands if f"`{command}" not in readme] == []
