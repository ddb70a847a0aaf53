"""The definitions of other shapes than ours, compiled once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipeline import sdk  # first: the SDK can't be imported without a region

# isort: split
from sagemaker.mlops.workflow.pipeline import Pipeline

from tests.groundloop.check.other_definitions import checks, clusters, hosting, loop, outside
from tests.groundloop.check.training_definitions import abalone, incremental, parallel, tuning

Definition = dict[str, Any]

SHAPES = {
    shape.__name__: shape
    for shape in (abalone, tuning, outside, parallel, checks, clusters, loop, hosting, incremental)
}


def _compiled(shape: Callable[[], Pipeline]) -> Definition:
    with sdk.offline_build():
        definition: Definition = json.loads(shape().definition())
        return definition


@pytest.fixture(scope="session")
def shapes() -> dict[str, Definition]:
    """The definitions by the names of the functions above."""
    return {name: _compiled(shape) for name, shape in SHAPES.items()}
