"""Java's patterns in Python."""

from __future__ import annotations

import re

import botocore.loaders
import pytest
import regex

from groundloop.spec.patterns import matches, translate

SHAPES = botocore.loaders.create_loader().load_service_model("sagemaker", "service-2")["shapes"]
PATTERNS = {name: shape["pattern"] for name, shape in SHAPES.items() if "pattern" in shape}


def test_every_pattern_of_the_model_is_understood() -> None:
    """A pattern that Python can't compile would let everything through."""
    java_only = 0
    for pattern in PATTERNS.values():
        assert regex.compile(translate(pattern), regex.DOTALL)
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
