"""What is said of endpoints before anything is deployed: names outside the role's policy, images that are too large."""

from __future__ import annotations

import pytest

from pipeline.config import load_config
from pipeline.deployment import endpoint_name_warning, image_size_warning
from tests.fixtures.definitions import LOCAL


@pytest.mark.parametrize(
    "assignments",
    [
        pytest.param(["Epochs=40"], id="another parameter"),
        pytest.param(["EndpointName=Bolts"], id="the configured name"),
        pytest.param(["EndpointName=bolts-2"], id="a name that continues it"),
        pytest.param(["EndpointName=nuts", "EndpointName=bolts-2"], id="the last one counts"),
    ],
)
def test_nothing_is_said_of_names_that_the_role_allows(assignments: list[str]) -> None:
    config = load_config([LOCAL], ["deploy.endpoint.name=Bolts"], environment={})
    assert endpoint_name_warning(config, assignments) is None


@pytest.mark.parametrize("name", ["nuts", "bolts2"])
def test_another_name_is_said_to_need_another_policy(name: str) -> None:
    config = load_config([LOCAL], ["deploy.endpoint.name=Bolts"], environment={})
    warning = endpoint_name_warning(config, ["Epochs=40", f"EndpointName={name}"])
    assert warning
    assert warning.startswith(f"EndpointName={name}: ")
    assert "allows Bolts and Bolts-* only" in warning
    assert f"--set deploy.endpoint.name={name}" in warning


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        pytest.param([], None, id="the default fits"),
        pytest.param(
            ["predict={max_payload_mb: 10, max_concurrent_transforms: 1}"],
            "predict.max_payload_mb is 10, but a real-time endpoint takes images of at most 6 MB",
            id="real-time",
        ),
        pytest.param(
            ["deploy.endpoint.serverless={}"],
            "predict.max_payload_mb is 6, but a serverless endpoint takes images of at most 4 MB",
            id="serverless",
        ),
        pytest.param(
            ["deploy.endpoint.serverless={}", "predict.max_payload_mb=4"], None, id="serverless, small images"
        ),
        pytest.param(
            ["deploy.endpoint.async_inference={}", "predict={max_payload_mb: 100, max_concurrent_transforms: 1}"],
            None,
            id="asynchronous",
        ),
        pytest.param(
            ["deploy.mode=never", "predict={max_payload_mb: 100, max_concurrent_transforms: 1}"], None, id="no endpoint"
        ),
    ],
)
def test_images_that_predict_takes_and_the_endpoint_does_not(assignments: list[str], message: str | None) -> None:
    warning = image_size_warning(load_config([LOCAL], assignments, environment={}))
    assert (warning or "").partition(": ")[0] == (message or "")
