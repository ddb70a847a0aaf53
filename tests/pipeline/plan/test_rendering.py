"""What a plan says about the training instance and about the endpoint's conversion."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import load_config
from pipeline.plan.changes import Change
from pipeline.plan.endpoint import EndpointPlan
from pipeline.plan.rendering import _endpoint, instance_note, start_note

PROD = Path(__file__).resolve().parents[3] / "configs" / "prod.yaml"


@pytest.mark.parametrize(
    ("instance_type", "said"),
    [
        pytest.param("ml.p3.2xlarge", True, id="retired"),
        pytest.param("ml.g4dn.xlarge", False, id="current"),
        pytest.param("ml.g5.xlarge", False, id="current too"),
    ],
)
def test_a_retired_training_instance_is_said(instance_type: str, said: bool) -> None:
    config = load_config([PROD], [f"training.instance_type={instance_type}"], environment={})
    assert ("--set training.instance_type=ml.g4dn.xlarge" in instance_note(config)) is said


@pytest.mark.parametrize(
    ("start_from", "said"),
    [
        pytest.param("null", "", id="none"),
        pytest.param("champion", "the champion, the highest approved version of groundloop", id="the champion"),
        pytest.param("7", "version 7 of groundloop", id="a version"),
        pytest.param("s3://b0b/old/model.tar.gz", "s3://b0b/old/model.tar.gz", id="an archive"),
    ],
)
def test_the_model_that_training_starts_from_is_said(start_from: str, said: str) -> None:
    note = start_note(load_config([PROD], [f"training.start_from={start_from}"], environment={}))
    assert said in note
    assert bool(note) is bool(said)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        pytest.param("real-time", "serverless", "can't become serverless: delete it", id="to serverless"),
        pytest.param("serverless", "real-time", "SageMaker can't change it back", id="to instances"),
    ],
)
def test_a_conversion_is_said_before_it_is_tried(old: str, new: str, text: str) -> None:
    change = Change("~", "endpoint", "bolts", "kind", old, new)
    lines = list(_endpoint(EndpointPlan("bolts", "InService", 2, [change]), None))
    assert any(text in line for line in lines)
