"""The Japanese README has the same sections, commands and links as the English one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, JAPANESE = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.ja.md"))


def headings(text: str) -> list[int]:
    """Return the levels of the headings."""
    return [len(marks) for marks in re.findall(r"^(#+) ", without_code(text), re.MULTILINE)]


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def code_blocks(text: str) -> list[str]:
    """Return languages and lines of the code blocks, of which comments are left out: they are translated."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(r"\s+# .*$", "", code, flags=re.MULTILINE) for language, code in blocks if language != "text"]


def commands(text: str) -> list[list[str]]:
    """Return the code in each row of each table."""
    return [re.findall(r"`([^`]+)`", line) for line in text.splitlines() if line.startswith("|")]


def links(text: str) -> list[str]:
    """Return the targets of links and pictures, but for the link from one README to the other."""
    return sorted(target for target in re.findall(r"\]\(([^)]+)\)", text) if not target.startswith("README"))


@pytest.mark.parametrize("part", [headings, code_blocks, commands, links])
def test_both_readmes_agree(part: object) -> None:
    assert callable(part)
    assert part(JAPANESE) == part(ENGLISH)


def test_both_name_the_same_steps() -> None:
    steps = re.compile(r"^ {4}[│├](?: ─|─)?(?: no| yes)?[ →─noyes]*([A-Z]\w+)", re.MULTILINE)
    assert steps.findall(JAPANESE) == steps.findall(ENGLISH)
    assert "QualityGate" in steps.findall(ENGLISH)


def test_each_links_to_the_other_at_the_top() -> None:
    assert "(README.ja.md)" in ENGLISH.partition("\n\n**")[0]
    assert "(README.md)" in JAPANESE.partition("\n\n**")[0]
