"""Values of EndpointName that the role's policy does not allow."""

from __future__ import annotations

import pytest

from pipeline.config import load_config
from pipeline.deployment import endpoint_name_warning
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
