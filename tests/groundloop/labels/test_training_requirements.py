from __future__ import annotations

from collections import Counter

import pytest

from groundloop.errors import UserError
from groundloop.labels.findings import LabelCode, Severity
from groundloop.labels.records import Box, Record
from groundloop.labels.split import Split
from groundloop.labels.training_requirements import Overview, TrainingRequirements, missing_from_splits


def record(*names: str, side: float = 50, auto_labelled: bool = False, size: tuple[int, int] = (300, 300)) -> Record:
    return Record("s3://b/a.jpg", *size, tuple(Box(name, 0, 0, side, side) for name in names), names, auto_labelled)


def overview(*records: Record, image_shape: int = 300) -> Overview:
    counted = Overview(image_shape)
    counted.add(records)
    return counted


def test_counts() -> None:
    counted = overview(record("nut", "nut"), record("nut", "bolt", auto_labelled=True), record())
    assert (counted.images, counted.negatives, counted.auto_labelled, counted.max_boxes) == (3, 1, 1, 2)
    assert counted.boxes == {"nut": 3, "bolt": 1}
    assert counted.images_with == {"nut": 2, "bolt": 1}


@pytest.mark.parametrize(
    ("counts", "codes"),
    [
        pytest.param({"nut": 10, "bolt": 10}, [], id="enough of all"),
        pytest.param({"nut": 10, "bolt": 9}, [LabelCode.FEW_EXAMPLES], id="too few of one"),
        pytest.param({"nut": 200, "bolt": 10}, [], id="just balanced"),
        pytest.param({"nut": 201, "bolt": 10}, [LabelCode.CLASS_IMBALANCE], id="out of balance"),
        pytest.param({"nut": 21, "bolt": 1}, [LabelCode.FEW_EXAMPLES, LabelCode.CLASS_IMBALANCE], id="both"),
        pytest.param({}, [], id="nothing"),
    ],
)
def test_classes_that_are_too_rare(counts: dict[str, int], codes: list[LabelCode]) -> None:
    counted = overview(*(record(*[name] * count) for name, count in counts.items()))
    findings = list(counted.findings())
    assert [finding.code for finding in findings] == codes
    assert all("'bolt'" in finding.message and finding.severity is Severity.WARNING for finding in findings)


@pytest.mark.parametrize(
    ("side", "size", "image_shape", "tiny"),
    [
        pytest.param(4, (300, 300), 300, False, id="large enough as it is"),
        pytest.param(3.9, (300, 300), 300, True, id="too small as it is"),
        pytest.param(8, (900, 300), 300, True, id="too narrow once a wide image is squeezed"),
        pytest.param(8, (300, 900), 300, True, id="too low once a high image is squeezed"),
        pytest.param(8, (900, 300), 600, False, id="large enough at a larger input"),
    ],
)
def test_boxes_that_are_tiny_at_the_networks_input(
    side: float, size: tuple[int, int], image_shape: int, tiny: bool
) -> None:
    counted = overview(record(*["nut"] * 10, side=side, size=size), image_shape=image_shape)
    findings = list(counted.findings())
    assert [finding.code for finding in findings] == ([LabelCode.TINY_BOXES] if tiny else [])
    for finding in findings:
        assert "10 of 10 boxes" in finding.message
        assert "(nut 10)" in finding.message
        assert finding.source_ref == "s3://b/a.jpg"


def test_a_class_with_enough_images_that_misses_a_split() -> None:
    shown = {
        Split.TRAIN: Counter(nut=9, bolt=9, cog=9),
        Split.VALIDATION: Counter(nut=1, bolt=2),
        Split.TEST: Counter(bolt=1),
    }
    findings = list(missing_from_splits(shown))
    assert [finding.code for finding in findings] == [LabelCode.CLASS_MISSES_SPLIT]
    assert "class 'nut' is on 10 images but on none of test" in findings[0].message


@pytest.mark.parametrize(
    ("images", "batch"),
    [pytest.param(0, 1, id="none"), pytest.param(5, 5, id="fewer than GPUs"), pytest.param(99, 8, id="enough")],
)
def test_what_the_algorithm_needs(images: int, batch: int) -> None:
    counted = overview(*[record("nut")] * images, record())
    assert counted.needs(2) == TrainingRequirements(images, 2, 350, batch)


def test_an_image_shape_that_is_none() -> None:
    with pytest.raises(UserError, match="image_shape is 0"):
        Overview(0)
