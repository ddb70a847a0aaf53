"""The definitions of other shapes than ours, compiled once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sagemaker.mlops.workflow.pipeline import Pipeline

Definition = dict[str, Any]


def _compiled(shape: Callable[[], Pipeline]) -> Definition:
    from pipeline import sdk

    with sdk.offline_build():
        definition: Definition = json.loads(shape().definition())
        return definition


@pytest.fixture(scope="session")
def shapes() -> dict[str, Definition]:
    """The definitions by the names of the functions that build them."""
    # Here and not above: the SDK takes seconds to import, in each process that collects tests.
    from pipeline import sdk  # noqa: F401  # first: the SDK can't be imported without a region

    # isort: split
    from tests.groundloop.check.other_definitions import checks, clusters, hosting, loop, outside
    from tests.groundloop.check.training_definitions import abalone, incremental, parallel, tuning

    shapes = (abalone, tuning, outside, parallel, checks, clusters, loop, hosting, incremental)
    return {shape.__name__: _compiled(shape) for shape in shapes}
