"""The notebook runs from top to bottom and prints what is saved in it."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[2] / "examples" / "walkthrough.ipynb"


def code_cells() -> list[dict[str, Any]]:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def printed(cell: dict[str, Any]) -> str:
    """Return the text that the notebook has saved as a cell's output."""
    return "".join("".join(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream")


def test_every_cell_prints_what_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(code_cells(), start=1):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)  # noqa: S102 - our own notebook
        assert output.getvalue() == printed(cell), f"cell {number}"


def test_the_loop_needs_the_library_only() -> None:
    """The pipeline package renders the images; everything else is `groundloop`."""
    lines = [line for cell in code_cells() for line in "".join(cell["source"]).splitlines()]
    imports = [line for line in lines if line.startswith(("from pipeline", "import pipeline", "from steps"))]
    assert imports == ["from pipeline.demo.synthetic_images import write_dataset"]


def test_it_stays_small() -> None:
    assert NOTEBOOK.stat().st_size < 200_000
