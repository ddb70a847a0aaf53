"""The table of the algorithm's hyperparameters, the width of labels, and who takes its bounds from the table."""

from __future__ import annotations

import typing

import pytest

from groundloop.spec.object_detection import HYPERPARAMETERS, TRAINING_INSTANCE_FAMILIES, label_size, label_width


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        pytest.param("epochs", "30", True, id="epochs"),
        pytest.param("epochs", "0", False, id="no epochs"),
        pytest.param("epochs", "3e1", False, id="epochs as a float"),
        pytest.param("learning_rate", "1e-05", True, id="rate with an exponent"),
        pytest.param("learning_rate", "1", True, id="rate of 1"),
        pytest.param("learning_rate", "0", False, id="rate of 0"),
        pytest.param("learning_rate", "nan", False, id="rate that is not a number"),
        pytest.param("lr_scheduler_factor", "1", False, id="factor of 1"),
        pytest.param("lr_scheduler_factor", "0.999", True, id="factor below 1"),
        pytest.param("lr_scheduler_step", "", True, id="no steps"),
        pytest.param("lr_scheduler_step", "10,20", True, id="two steps"),
        pytest.param("lr_scheduler_step", "10, 20", True, id="two steps with a space"),
        pytest.param("lr_scheduler_step", "10;20", False, id="steps with semicolons"),
        pytest.param("lr_scheduler_step", "0,10", False, id="step before the first epoch"),
        pytest.param("momentum", "1", True, id="momentum of 1"),
        pytest.param("momentum", "0", False, id="momentum of 0"),
        pytest.param("weight_decay", "0", False, id="decay of 0"),
        pytest.param("weight_decay", "1", False, id="decay of 1"),
        pytest.param("early_stopping_tolerance", "0", True, id="tolerance of 0"),
        pytest.param("image_shape", "299", False, id="shape below 300"),
        pytest.param("label_width", "7", True, id="width of one box"),
        pytest.param("freeze_layer_pattern", "^conv1_.*$", True, id="a pattern"),
        pytest.param("freeze_layer_pattern", "conv(", False, id="broken pattern"),
    ],
)
def test_ranges_of_hyperparameters(name: str, text: str, expected: bool) -> None:
    assert HYPERPARAMETERS[name].allows(text) is expected


@pytest.mark.parametrize("name", HYPERPARAMETERS)
def test_every_default_is_allowed(name: str) -> None:
    item = HYPERPARAMETERS[name]
    if item.required:
        assert item.default is None
    elif item.default != "":
        text = "" if item.default == () else str(item.default)
        assert item.parse(text) == item.default


def test_the_settings_and_the_table_have_the_same_hyperparameters() -> None:
    from steps.train.hyperparameters import Hyperparameters

    derived = {"num_classes", "num_training_samples", "label_width"}
    assert set(Hyperparameters.model_fields) | derived == set(HYPERPARAMETERS)
    assert all(HYPERPARAMETERS[name].allows(text) for name, text in Hyperparameters().strings().items())


@pytest.mark.parametrize("name", ["base_network", "use_pretrained_model", "optimizer", "kv_store"])
def test_the_settings_offer_the_choices_of_the_table(name: str) -> None:
    from steps.train.hyperparameters import Hyperparameters

    annotation: typing.Any = Hyperparameters.model_fields[name].annotation
    inner = [item for item in typing.get_args(annotation) if typing.get_args(item)] or [annotation]
    assert {str(choice) for choice in typing.get_args(inner[0])} == set(HYPERPARAMETERS[name].choices)


def test_the_settings_offer_instances_that_the_algorithm_trains_on() -> None:
    from steps.train.settings import TrainInstanceType

    families = {name.rpartition(".")[0] for name in typing.get_args(TrainInstanceType)}
    assert families <= set(TRAINING_INSTANCE_FAMILIES)


@pytest.mark.parametrize(("boxes", "size"), [(0, 2), (1, 7), (69, 347)])
def test_a_label_has_a_header_and_five_numbers_a_box(boxes: int, size: int) -> None:
    assert label_size(boxes) == size


@pytest.mark.parametrize(("boxes", "width"), [(0, 350), (68, 350), (69, 355), (84, 430)])
def test_the_label_width_has_slack(boxes: int, width: int) -> None:
    assert label_width(boxes) == width
