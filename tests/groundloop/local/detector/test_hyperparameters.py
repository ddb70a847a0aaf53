"""The algorithm's table of hyperparameters: defaults, and each bad value refused in one clear line."""

from __future__ import annotations

import dataclasses
import typing

import pytest

from groundloop.local.detector.errors import StandInError
from groundloop.local.detector.hyperparameters import IGNORED, Hyperparameters, as_strings, parse
from groundloop.local.detector.schedule import RATE_SCALE, EarlyStopping, learning_rate

REQUIRED = {"num_classes": "3", "num_training_samples": "100"}


def test_the_documented_defaults() -> None:
    assert as_strings(parse(REQUIRED)) == {
        **REQUIRED,
        "base_network": "vgg-16",
        "use_pretrained_model": "1",
        "image_shape": "300",
        "epochs": "30",
        "mini_batch_size": "32",
        "learning_rate": "0.001",
        "lr_scheduler_factor": "0.1",
        "optimizer": "sgd",
        "momentum": "0.9",
        "weight_decay": "0.0005",
        "overlap_threshold": "0.5",
        "nms_threshold": "0.45",
        "label_width": "350",
        "early_stopping": "False",
        "early_stopping_min_epochs": "10",
        "early_stopping_patience": "5",
        "early_stopping_tolerance": "0.0",
    }


GIVEN = {
    **REQUIRED,
    "base_network": "resnet-50",
    "use_pretrained_model": "0",
    "image_shape": "512",
    "epochs": "7",
    "mini_batch_size": "16",
    "learning_rate": "0.5",
    "lr_scheduler_factor": "0.25",
    "lr_scheduler_step": "3,5",
    "optimizer": "adam",
    "momentum": "0.5",
    "weight_decay": "0.01",
    "overlap_threshold": "0.75",
    "nms_threshold": "1",
    "label_width": "422",
    "freeze_layer_pattern": "conv1.*",
    "kv_store": "dist_sync",
    "early_stopping": "True",
    "early_stopping_min_epochs": "2",
    "early_stopping_patience": "3",
    "early_stopping_tolerance": "0.01",
}


def test_every_hyperparameter_is_read_into_its_fields_type_and_written_back() -> None:
    assert GIVEN.keys() == {field.name for field in dataclasses.fields(Hyperparameters)}
    parsed = parse(GIVEN)
    for name, kind in typing.get_type_hints(Hyperparameters).items():
        assert type(getattr(parsed, name)) is (typing.get_origin(kind) or kind), name
    assert parse(as_strings(parsed)) == parsed
    assert parsed.lr_scheduler_step == (3, 5)
    assert parsed.early_stopping is True


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        pytest.param("num_classes", "0", "a whole number of at least 1", id="no class"),
        pytest.param("num_classes", "three", "a whole number", id="words for a number"),
        pytest.param("num_classes", "", "a whole number", id="nothing for a number"),
        pytest.param("num_training_samples", "-5", "at least 1", id="a negative count"),
        pytest.param("num_training_samples", "12.5", "a whole number", id="half a sample"),
        pytest.param("base_network", "resnet-101", "vgg-16, resnet-50", id="another network"),
        pytest.param("use_pretrained_model", "True", "0, 1", id="True for 1"),
        pytest.param("image_shape", "299", "at least 300", id="too small an image"),
        pytest.param("epochs", "0", "at least 1", id="no epoch"),
        pytest.param("mini_batch_size", "0", "at least 1", id="empty batches"),
        pytest.param("learning_rate", "0", "(0, 1]", id="no learning"),
        pytest.param("learning_rate", "1.5", "(0, 1]", id="rate above 1"),
        pytest.param("learning_rate", "nan", "(0, 1]", id="not a number"),
        pytest.param("lr_scheduler_factor", "1", "(0, 1)", id="factor 1"),
        pytest.param("lr_scheduler_step", "10;20", "with commas", id="semicolons"),
        pytest.param("lr_scheduler_step", "20,10", "rising order", id="steps not rising"),
        pytest.param("lr_scheduler_step", "0,10", "rising order", id="a step at epoch 0"),
        pytest.param("optimizer", "adamw", "sgd, adam, rmsprop, adadelta", id="another optimiser"),
        pytest.param("momentum", "0", "(0, 1]", id="no momentum"),
        pytest.param("momentum", "1.1", "(0, 1]", id="momentum above 1"),
        pytest.param("weight_decay", "0", "(0, 1)", id="no decay"),
        pytest.param("weight_decay", "1", "(0, 1)", id="decay of 1"),
        pytest.param("overlap_threshold", "0", "(0, 1]", id="no overlap"),
        pytest.param("nms_threshold", "2", "(0, 1]", id="overlap above 1"),
        pytest.param("label_width", "6", "at least 7", id="no room for one box"),
        pytest.param("freeze_layer_pattern", "conv(", "a regular expression", id="a broken pattern"),
        pytest.param("kv_store", "local", "dist_sync, dist_async", id="another store"),
        pytest.param("early_stopping", "yes", "True", id="yes for True"),
        pytest.param("early_stopping_min_epochs", "0", "at least 1", id="stopping at once"),
        pytest.param("early_stopping_patience", "0", "at least 1", id="no patience"),
        pytest.param("early_stopping_tolerance", "-0.1", "[0, 1]", id="a negative tolerance"),
    ],
)
def test_a_bad_value_is_refused(key: str, value: str, allowed: str) -> None:
    with pytest.raises(StandInError) as caught:
        parse({**REQUIRED, key: value})
    message = str(caught.value)
    assert f"{key}={value!r}" in message
    assert allowed in message
    assert "\n" not in message


@pytest.mark.parametrize("key", REQUIRED)
def test_a_required_one_that_is_missing_is_named(key: str) -> None:
    with pytest.raises(StandInError, match=f"{key} is missing"):
        parse({name: value for name, value in REQUIRED.items() if name != key})


def test_an_unknown_one_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(StandInError, match=r"mini_batchsize='8'.*did you mean mini_batch_size\?"):
        parse({**REQUIRED, "mini_batchsize": "8"})


def test_a_number_that_is_not_a_string_is_refused_as_the_api_would() -> None:
    with pytest.raises(StandInError, match="epochs=3: a string is needed"):
        parse({**REQUIRED, "epochs": 3})


def test_keys_that_sagemaker_adds_are_let_through() -> None:
    assert parse({**REQUIRED, "sagemaker_job_name": "x", "_tuning_objective_metric": "validation:mAP"}) == parse(
        REQUIRED
    )


def test_what_is_ignored_exists() -> None:
    assert set(IGNORED) < {field.name for field in dataclasses.fields(Hyperparameters)}


class TestLearningRate:
    def rates(self, **given: str) -> list[float]:
        hyperparameters = parse({**REQUIRED, "epochs": "10", "learning_rate": "0.001", **given})
        return [learning_rate(hyperparameters, step, 10) for step in range(100)]

    def test_it_warms_up_then_falls_to_almost_nothing(self) -> None:
        rates = self.rates()
        peak = rates.index(max(rates))
        assert peak in (7, 8)
        assert max(rates) == pytest.approx(RATE_SCALE * 0.001, rel=0.01)
        assert rates[:peak] == sorted(rates[:peak])
        assert rates[peak:] == sorted(rates[peak:], reverse=True)
        assert 0 < rates[-1] < 0.01 * max(rates)

    def test_with_steps_it_stays_level_and_drops_by_the_factor(self) -> None:
        rates = self.rates(lr_scheduler_step="5,8", lr_scheduler_factor="0.1")
        assert rates[49] == pytest.approx(RATE_SCALE * 1e-3)
        assert rates[50] == rates[79] == pytest.approx(RATE_SCALE * 1e-4)
        assert rates[80] == rates[99] == pytest.approx(RATE_SCALE * 1e-5)

    def test_steps_beyond_the_plan_keep_a_small_positive_rate(self) -> None:
        hyperparameters = parse({**REQUIRED, "epochs": "1"})
        assert 0 < learning_rate(hyperparameters, 500, 10) <= learning_rate(hyperparameters, 9, 10)


class TestEarlyStopping:
    def stops_at(self, scores: list[float], **given: str) -> int | None:
        texts = {"early_stopping": "True", "early_stopping_min_epochs": "1", "early_stopping_patience": "2", **given}
        stopping = EarlyStopping(parse({**REQUIRED, **texts}))
        return next((epoch for epoch, score in enumerate(scores) if stopping.should_stop(epoch, score)), None)

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            pytest.param({}, 4, id="two epochs without a rise"),
            pytest.param({"early_stopping": "False"}, None, id="switched off"),
            pytest.param({"early_stopping_min_epochs": "6"}, 5, id="not before the least number of epochs"),
            pytest.param({"early_stopping_patience": "4"}, None, id="more patience"),
            pytest.param({"early_stopping_tolerance": "0.6"}, 3, id="small rises don't count"),
        ],
    )
    def test_stops_after_epoch(self, given: dict[str, str], expected: int | None) -> None:
        assert self.stops_at([0.1, 0.4, 0.5, 0.5, 0.45, 0.44], **given) == expected
