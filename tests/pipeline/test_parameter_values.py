"""Values of `start -p` are checked against the settings' ranges before anything starts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from groundloop.errors import UserError
from pipeline.config.keys import field_at
from pipeline.parameter_values import PARAMETER_KEYS, PARAMETER_METRICS, check_values
from tests.fixtures.cli import Groundloop


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("Epochs=0", "-p Epochs=0: Epochs must be at least 1"),
        ("MiniBatchSize=0", "MiniBatchSize must be at least 1"),
        ("LearningRate=7", "LearningRate must be at most 1"),
        ("MinMap50=7", "-p MinMap50=7: MinMap50 is not valid: "),
        ("MaxCountMae=-1", "-p MaxCountMae=-1: MaxCountMae is not valid: "),
        ("TrainInstanceType=ml.p3.2xlarg", "(did you mean 'ml.p3.2xlarge'?)"),
        ("ProcessingInstanceType=m5", "ProcessingInstanceType must be an instance type, such as ml.m5.xlarge"),
        ("InputManifest=output.manifest", "InputManifest must be an S3 URI with a key"),
        ("EndpointName=my_endpoint", "EndpointName must be a name of at most 63"),
    ],
)
def test_a_value_out_of_range_is_refused(assignment: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        check_values([assignment])
    assert message in str(refused.value)
    assert len(refused.value.lines) == 1


@pytest.mark.parametrize(
    "assignment",
    [
        pytest.param("Epochs=40", id="in range"),
        pytest.param("MinMap=0", id="a threshold that every model meets"),
        pytest.param("DeployMode=never", id="a choice"),
        pytest.param("Epochs=many", id="a wrong type, which start reports by the definition"),
        pytest.param("MinMap=high", id="a wrong type of a threshold"),
        pytest.param("Other=0", id="a parameter of another pipeline"),
        pytest.param("Epochs", id="no value"),
    ],
)
def test_others_are_left_to_start(assignment: str) -> None:
    check_values([assignment])


def test_all_wrong_values_are_reported_at_once() -> None:
    with pytest.raises(UserError) as refused:
        check_values(["Epochs=0", "MinMap50=7", "LearningRate=0.1"])
    assert [line.split(":")[0] for line in refused.value.lines] == ["-p Epochs=0", "-p MinMap50=7"]


def test_each_parameter_stands_for_a_setting(define: Callable[..., Any]) -> None:
    assert all(field_at(tuple(key.split("."))) for key in PARAMETER_KEYS.values())
    names = {parameter["Name"] for parameter in define()["Parameters"]}
    assert names - {*PARAMETER_KEYS, *PARAMETER_METRICS} == set()


def test_nothing_is_asked_of_aws_for_a_value_that_can_not_be(
    groundloop: Groundloop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    ran = groundloop("start", "-c", "configs/local.yaml", "-p", "Epochs=0")
    assert (ran.code, ran.error) == (1, "-p Epochs=0: Epochs must be at least 1, got '0'")
