"""An AWS whose answers a test gives, each checked against the service's model like the request that asked for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from groundloop.images.access import Images, UnusableImageError
from pipeline.config import Config, load_config

PROD = Path(__file__).resolve().parents[3] / "configs" / "prod.yaml"
_MODELS = botocore.session.get_session()

Answer = Any


class ScriptedClient:
    """A client of one service; answers by snake-case operation: a response, an error, or a function of the request."""

    def __init__(self, service: str, answers: dict[str, Answer]) -> None:
        self._model = _MODELS.get_service_model(service)
        self._answers = answers
        self._operations = {_snake(name): name for name in self._model.operation_names}
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def _call(self, operation: str, request: dict[str, Any]) -> Any:
        model = self._model.operation_model(self._operations[operation])
        assert not ParamValidator().validate(request, model.input_shape).has_errors(), (operation, request)
        self.requests.append((operation, request))
        assert operation in self._answers, f"nobody expects {operation}"
        answer = self._answers[operation]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        known = set(model.output_shape.members)
        assert set(answer) - {"ResponseMetadata"} <= known, f"{operation} answers no {set(answer) - known}"
        return answer

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if operation not in self._operations:
            raise AttributeError(operation)
        return lambda **request: self._call(operation, request)

    def get_paginator(self, operation: str) -> Any:
        client = self

        class Pages:
            def paginate(self, PaginationConfig: object = None, **request: Any) -> Iterator[Any]:  # noqa: N803
                answer = client._answers.get(operation)
                if isinstance(answer, list):
                    yield from answer
                else:
                    yield client._call(operation, request)

        return Pages()


def _snake(name: str) -> str:
    from botocore import xform_name

    return str(xform_name(name))


class ScriptedImages:
    """Images by size in bytes; an error is raised. Those that aren't named have `size`."""

    def __init__(self, size: int = 1000, **by_name: int | UnusableImageError) -> None:
        self._size, self._by_name = size, by_name

    def size(self, source_ref: str) -> int:
        found = self._by_name.get(source_ref.rsplit("/", 1)[-1].partition(".")[0], self._size)
        if isinstance(found, UnusableImageError):
            raise found
        return found

    def body(self, source_ref: str) -> bytes:
        raise AssertionError("the doctor downloads no image")


class ScriptedAws:
    """What the checks ask."""

    def __init__(self, services: dict[str, dict[str, Answer]], images: Images | None = None) -> None:
        self.clients = {name: ScriptedClient(name, answers) for name, answers in services.items()}
        self._images = images or ScriptedImages()

    def client(self, service: str) -> ScriptedClient:
        return self.clients[service]

    def images(self) -> Images:
        return self._images


@pytest.fixture
def scripted() -> Callable[..., ScriptedAws]:
    """Builds an AWS from answers by service; `service_quotas` stands for service-quotas."""

    def build(images: Images | None = None, **services: dict[str, Answer]) -> ScriptedAws:
        return ScriptedAws({name.replace("_", "-"): answers for name, answers in services.items()}, images)

    return build


@pytest.fixture
def images() -> type[ScriptedImages]:
    return ScriptedImages


@pytest.fixture
def refusal() -> Callable[..., ClientError]:
    """An error that AWS answers."""

    def refusal(code: str, status: int = 400, message: str = "no", **headers: str) -> ClientError:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        metadata = {"HTTPStatusCode": status, "HTTPHeaders": named}
        return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}, "Asked")

    return refusal


@pytest.fixture
def configured() -> Callable[..., Config]:
    """The configuration of a real account, with assignments."""
    return lambda *assignments: load_config([PROD], assignments, environment={})
