"""Java's patterns in Python, the hyperparameters' ranges, and the table of images."""

from __future__ import annotations

import json
import re
from pathlib import Path

import botocore.loaders
import pytest

from groundloop.check.image_uri import ACCOUNTS, algorithm_image
from groundloop.spec.object_detection import RULES
from groundloop.spec.patterns import matches, translated

SHAPES = botocore.loaders.create_loader().load_service_model("sagemaker", "service-2")["shapes"]
PATTERNS = {name: shape["pattern"] for name, shape in SHAPES.items() if "pattern" in shape}


def test_every_pattern_of_the_model_is_understood() -> None:
    """A pattern that Python can't compile would let everything through."""
    java_only = 0
    for pattern in PATTERNS.values():
        assert re.compile(translated(pattern, "Zürich 7, 価格\U0001f600\n"), re.DOTALL)
        try:
            re.compile(pattern)
        except re.error:
            java_only += 1
    assert java_only >= 18


@pytest.mark.parametrize(
    ("shape", "value", "expected"),
    [
        pytest.param("TagKey", "cost centre", True, id="space in a tag"),
        pytest.param("TagKey", "Büro-Nr. 5", True, id="letters beyond ASCII"),
        pytest.param("TagKey", "価格", True, id="letters of another script"),
        pytest.param("TagKey", "a?b", False, id="question mark in a tag"),
        pytest.param("TagValue", "", True, id="empty tag"),
        pytest.param("EntityDescription", "Finds nuts & bolts: 100 %, ±2 px.", True, id="signs in a description"),
        pytest.param("EntityDescription", "two\nlines", False, id="line break in a description"),
        pytest.param("CustomerMetadataKey", "map_50", True, id="key of metadata"),
        pytest.param("CustomerMetadataKey", "map>50", False, id="sign in a key of metadata"),
        pytest.param("TableName", "t\U0001f600", True, id="character beyond the first plane"),
        pytest.param("TableName", "t\x00", False, id="control character"),
        pytest.param("RoleArn", "arn:aws:iam::111122223333:role/service-role/my.role", True, id="role with a path"),
        pytest.param("RoleArn", "arn:aws:iam::1111:role/r", False, id="account too short"),
        pytest.param("S3Uri", "s3://bucket", True, id="bucket alone"),
        pytest.param("EntityName", "-x", False, id="hyphen first"),
    ],
)
def test_a_value_is_all_matched(shape: str, value: str, expected: bool) -> None:
    assert matches(PATTERNS[shape], value) is expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        pytest.param("epochs", "30", True, id="epochs"),
        pytest.param("epochs", "0", False, id="no epochs"),
        pytest.param("epochs", "3e1", False, id="epochs as a float"),
        pytest.param("learning_rate", "1e-05", True, id="rate with an exponent"),
        pytest.param("learning_rate", "1", True, id="rate of 1"),
        pytest.param("learning_rate", "0", False, id="rate of 0"),
        pytest.param("learning_rate", "nan", False, id="rate that is no number"),
        pytest.param("lr_scheduler_factor", "1", False, id="factor of 1"),
        pytest.param("lr_scheduler_factor", "0.999", True, id="factor below 1"),
        pytest.param("lr_scheduler_step", "", True, id="no steps"),
        pytest.param("lr_scheduler_step", "10,20", True, id="two steps"),
        pytest.param("lr_scheduler_step", "10;20", False, id="steps with semicolons"),
        pytest.param("early_stopping_tolerance", "0", True, id="tolerance of 0"),
        pytest.param("image_shape", "299", False, id="shape below 300"),
        pytest.param("label_width", "7", True, id="width of one box"),
        pytest.param("freeze_layer_pattern", "^conv1_.*$", True, id="any pattern"),
    ],
)
def test_ranges_of_hyperparameters(name: str, text: str, expected: bool) -> None:
    assert RULES[name].allows(text) is expected


def test_our_settings_and_the_checker_know_the_same_hyperparameters() -> None:
    from steps.train.hyperparameters import Hyperparameters

    derived = {"num_classes", "num_training_samples", "label_width"}
    assert set(Hyperparameters.model_fields) | derived == set(RULES)
    assert all(RULES[name].allows(text) for name, text in Hyperparameters().strings().items())


def test_the_accounts_are_those_of_the_sdk() -> None:
    import sagemaker.core

    (path,) = sagemaker.core.__path__
    text = (Path(path) / "image_uri_config" / "object-detection.json").read_text(encoding="utf-8")
    assert json.loads(text)["versions"]["1"]["registries"] == ACCOUNTS


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        pytest.param("811284229777.dkr.ecr.us-east-1.amazonaws.com/object-detection:1", True, id="the algorithm's"),
        pytest.param("390948362332.dkr.ecr.cn-north-1.amazonaws.com.cn/object-detection:1", True, id="in China"),
        pytest.param("811284229777.dkr.ecr.us-east-1.amazonaws.com/object-detection", True, id="without a tag"),
        pytest.param("111122223333.dkr.ecr.us-east-1.amazonaws.com/object-detection:1", False, id="one's own"),
        pytest.param("811284229777.dkr.ecr.us-east-1.amazonaws.com/semantic-segmentation:1", False, id="another"),
        pytest.param({"Get": "x"}, False, id="no text"),
    ],
)
def test_whose_image_it_is(uri: object, expected: bool) -> None:
    assert (algorithm_image(uri) is not None) is expected
