"""What is tried again, and what is not."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from groundloop.prediction.retries import MAX_ATTEMPTS, concerns_all, may_pass, with_retries


def error(code: str, status: int = 400, message: str = "", original: int | None = None) -> ClientError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    if original is not None:
        response["OriginalStatusCode"] = original
    return ClientError(response, "InvokeEndpoint")


@pytest.mark.parametrize(
    ("failure", "passes", "for_all"),
    [
        pytest.param(error("ThrottlingException"), True, False, id="throttled"),
        pytest.param(error("ServiceUnavailable", 503), True, False, id="unavailable"),
        pytest.param(error("InternalFailure", 500), True, False, id="a failure of the service"),
        pytest.param(error("ModelNotReadyException", 429), True, False, id="a model that is loading"),
        pytest.param(error("ModelError", 424, original=500), True, False, id="the container fails"),
        pytest.param(error("ModelError", 424, original=503), True, False, id="the container is busy"),
        pytest.param(error("ModelError", 424, original=400), False, False, id="the container rejects the image"),
        pytest.param(error("ValidationError", 400, "Endpoint x not found."), False, True, id="no endpoint"),
        pytest.param(error("ValidationError", 400, "too large"), False, False, id="a request that is too large"),
        pytest.param(error("AccessDeniedException", 403), False, True, id="no access"),
        pytest.param(error("ExpiredTokenException", 403), False, True, id="expired credentials"),
        pytest.param(ReadTimeoutError(endpoint_url="u"), True, True, id="a time-out"),
        pytest.param(EndpointConnectionError(endpoint_url="u"), True, True, id="no connection"),
        pytest.param(NoCredentialsError(), False, True, id="no credentials"),
    ],
)
def test_errors(failure: Exception, passes: bool, for_all: bool) -> None:
    assert (may_pass(failure), concerns_all(failure)) == (passes, for_all)


def test_pauses_double_and_vary() -> None:
    pauses: list[float] = []
    calls = 0

    def call() -> str:
        nonlocal calls
        calls += 1
        if calls < MAX_ATTEMPTS:
            raise error("ThrottlingException")
        return "done"

    assert with_retries(call, sleep=pauses.append) == "done"
    bounds = [0.5, 1, 2, 4, 8]
    assert all(bound / 2 <= pause <= bound for pause, bound in zip(pauses, bounds, strict=True))


@pytest.mark.parametrize(
    ("failure", "calls"),
    [
        pytest.param(error("ThrottlingException"), MAX_ATTEMPTS, id="what may pass, to the end"),
        pytest.param(error("ModelError", 424, original=400), 1, id="what does not pass, once"),
    ],
)
def test_the_last_error_is_raised(failure: ClientError, calls: int) -> None:
    made: list[int] = []

    def call() -> None:
        made.append(1)
        raise failure

    with pytest.raises(ClientError) as caught:
        with_retries(call, sleep=lambda seconds: None)
    assert caught.value is failure
    assert len(made) == calls
