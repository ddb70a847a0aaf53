"""Whose account has the algorithm's image, and which images are the algorithm's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from groundloop.check.image_uri import ACCOUNTS, algorithm_image


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
