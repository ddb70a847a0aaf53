"""Clients are made of the models that botocore would find, read sooner."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.loaders import Loader

from groundloop.aws import core_session
from groundloop.service_models import service_models


@pytest.mark.parametrize("type_name", ["service-2", "paginators-1", "endpoint-rule-set-1"])
def test_models_are_those_of_botocore(type_name: str) -> None:
    model = service_models(None).load_service_model("sts", type_name)
    assert json.dumps(model) == json.dumps(Loader().load_service_model("sts", type_name))


def test_the_services_are_those_of_botocore() -> None:
    services, botocores = service_models(None).list_available_services("waiters-2"), Loader()
    assert list(services) == botocores.list_available_services("waiters-2")
    assert len(services) == len(list(services))
    assert "s3" in services
    assert services[0] in services


def test_a_service_without_a_model_is_refused_as_by_botocore() -> None:
    with pytest.raises(UnknownServiceError, match=r"Unknown service: 'sagemake'.*sagemaker"):
        core_session("us-east-1").create_client("sagemake")
    # sts has no waiters, and other services have.
    with pytest.raises(UnknownServiceError):
        service_models(None).load_service_model("sts", "waiters-2")
    with pytest.raises(DataNotFoundError):
        service_models(None).load_data("sts/2011-06-15/no-such-type")


def test_folders_of_the_users_own_are_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "parrot" / "2020-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text('{"metadata": {"serviceId": "Parrot"}}')
    monkeypatch.setenv("AWS_DATA_PATH", f"{tmp_path / 'none'}:{tmp_path}")
    models = core_session("us-east-1").get_component("data_loader")
    assert models.load_service_model("parrot", "service-2") == {"metadata": {"serviceId": "Parrot"}}


def test_sessions_share_what_they_read() -> None:
    first, second = (core_session(region).get_component("data_loader") for region in ("us-east-1", None))
    assert first is second
