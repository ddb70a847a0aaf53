from __future__ import annotations

import pytest

from groundloop.labels.boxes import fit_box
from groundloop.labels.findings import LabelCode
from groundloop.labels.records import Box


@pytest.mark.parametrize(
    ("sides", "clipped"),
    [
        pytest.param((-2, 5, 10, 10), (0, 5, 8, 10), id="left"),
        pytest.param((5, -1.5, 10, 10), (5, 0, 10, 8.5), id="top"),
        pytest.param((92, 5, 10, 10), (92, 5, 8, 10), id="right"),
        pytest.param((5, 41, 10, 10), (5, 41, 10, 9), id="bottom"),
        pytest.param((-1, -1, 102, 52), (0, 0, 100, 50), id="all around"),
    ],
)
def test_a_box_a_little_beyond_the_image_is_clipped_to_it(sides: tuple[float, ...], clipped: tuple[float, ...]) -> None:
    box, problem = fit_box(Box("nut", *sides), 100, 50, 2)
    assert box == Box("nut", *clipped)
    assert problem is not None
    assert problem[0] is LabelCode.BOX_CLIPPED


@pytest.mark.parametrize(
    ("sides", "tolerance", "code"),
    [
        pytest.param((-2, 5, 10, 10), 1.9, LabelCode.INVALID_BOX, id="further out than the tolerance"),
        pytest.param((-0.5, 5, 10, 10), 0, LabelCode.INVALID_BOX, id="tolerance of nothing"),
        pytest.param((100, 5, 2, 10), 2, LabelCode.INVALID_BOX, id="all of it outside but near"),
        pytest.param((1e308, 5, 1e308, 10), 2, LabelCode.INVALID_BOX, id="further than a float counts"),
        pytest.param((50, 5, 0, 10), 2, LabelCode.BOX_TOO_SMALL, id="no area"),
        pytest.param((50, 5, 10, 10), 0, None, id="inside"),
        pytest.param((0, 0, 100.000001, 50), 0, None, id="rounding"),
    ],
)
def test_what_is_no_case_for_clipping(sides: tuple[float, ...], tolerance: float, code: LabelCode | None) -> None:
    box, problem = fit_box(Box("nut", *sides), 100, 50, tolerance)
    assert box == Box("nut", *sides)
    assert (problem and problem[0]) is code
