"""The generated reference pages say what the code says."""

from __future__ import annotations

import pytest

from docs.finding_texts import CAPTURE_TEXTS, DEFINITION_TEXTS, LABEL_TEXTS
from docs.generate import PAGES, REFERENCE
from groundloop.check import findings as definition_findings
from groundloop.detections.captures.requests import CaptureCode
from groundloop.labels import findings as label_findings


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_up_to_date(name: str) -> None:
    written = (REFERENCE / name).read_text(encoding="utf-8")
    assert written == PAGES[name](), f"docs/reference/{name} is stale: run `make docs`"


def test_every_code_is_explained_and_no_other() -> None:
    assert set(LABEL_TEXTS) == {code.value for code in label_findings.LabelCode}
    assert set(CAPTURE_TEXTS) == {code.value for code in CaptureCode}
    assert set(DEFINITION_TEXTS) == {code.value for code in definition_findings.DefinitionCode}
