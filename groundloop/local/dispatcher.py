"""Dispatcher of requests: to the operations that are offered here, all others to moto."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from botocore.exceptions import ClientError

from groundloop.local.api.a2i_runtime import PATH as A2I_PATH
from groundloop.local.api.services import Services
from groundloop.local.context import Context, random_id
from groundloop.local.data_capture import Invocation
from groundloop.local.errors import ApiError
from groundloop.local.moto_server import ANSWERED_BY_MOTO, has_autoscaling

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_TARGET = "SageMaker."
_SCALABLE_TARGETS = "AnyScaleFrontendService.DescribeScalableTargets"
_INVOCATIONS = re.compile(r"/endpoints/([^/]+)/(async-)?invocations")
_SIGNED_FOR = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")
_IAM = "https://iam.amazonaws.com/doc/2010-05-08/"
_STATUS = {
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    413: "Payload Too Large",
    424: "Failed Dependency",
    500: "Internal Server Error",
}

logger = logging.getLogger(__name__)


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        # The JSON protocol's timestamps: seconds since 1970.
        return round(value.timestamp(), 3)
    raise TypeError(f"{value!r} is not JSON")


def _iso(value: Any) -> str:
    """Return a time as A2I's runtime writes it."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    raise TypeError(f"{value!r} is not JSON")


def _body(environ: WSGIEnvironment) -> bytes:
    """Read the request's body and leave it readable for the next reader."""
    length = environ.get("CONTENT_LENGTH")
    source = environ["wsgi.input"]
    # Without a length only a chunked body has an end to read to.
    body = bytes(source.read(int(length)) if length else source.read() if environ.get("wsgi.input_terminated") else b"")
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    return body


def _refused(environ: WSGIEnvironment) -> tuple[int, dict[str, str], bytes] | None:
    """Return 403 for requests of web pages: jobs are commands on this machine, and moto allows any origin.

    Pages send an Origin; one whose name was made to resolve to this machine (DNS rebinding) sends its name as the host.
    """
    host = environ.get("HTTP_HOST", "").rsplit(":", 1)[0]
    if "HTTP_ORIGIN" not in environ and (host in ("127.0.0.1", "localhost") or host.endswith(".localhost")):
        return None
    return 403, {"Content-Type": "text/plain"}, b"The offline AWS does not answer web pages, and only as 127.0.0.1.\n"


def _invocation_error(error: ApiError) -> tuple[int, dict[str, str], bytes]:
    """Convert an error into the runtime's REST protocol."""
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": error.code}
    return error.status, headers, json.dumps({"Message": error.message, **error.details}).encode()


class Dispatcher:
    """The WSGI application of one offline AWS."""

    def __init__(self, context: Context, services: Services, moto: WSGIApplication) -> None:
        self._context, self._services, self._moto = context, services, moto

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request here, or pass it on to moto."""
        answer = _refused(environ) or self._answer(environ)
        if answer is None:
            return self._moto(environ, start_response)
        status, headers, body = answer
        headers = {"x-amzn-RequestId": random_id(32), "Content-Length": str(len(body)), **headers}
        start_response(f"{status} {_STATUS.get(status, 'Error')}", list(headers.items()))
        return [body]

    def _answer(self, environ: WSGIEnvironment) -> tuple[int, dict[str, str], bytes] | None:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target.startswith(_TARGET):
            return self._sagemaker(target[len(_TARGET) :], environ)
        if target == _SCALABLE_TARGETS and not has_autoscaling() and b'"sagemaker"' in _body(environ):
            # As long as nothing was registered, moto need not load the service to say so.
            return 200, {"Content-Type": "application/x-amz-json-1.1"}, b'{"ScalableTargets": []}'
        signed = _SIGNED_FOR.search(environ.get("HTTP_AUTHORIZATION", ""))
        service = signed.group(1) if signed else ""
        if service == "sagemaker" and (match := _INVOCATIONS.fullmatch(environ.get("PATH_INFO", ""))):
            return (self._queue if match.group(2) else self._invoke)(match.group(1), environ)
        if service == "sagemaker" and f"{environ.get('PATH_INFO', '')}/".startswith(f"{A2I_PATH}/"):
            return self._human_loops(environ)
        if service == "iam" and environ["REQUEST_METHOD"] == "POST":
            return self._iam(parse_qs(_body(environ).decode("utf-8", "replace")))
        return None

    def _sagemaker(self, name: str, environ: WSGIEnvironment) -> tuple[int, dict[str, str], bytes] | None:
        body = _body(environ)
        try:
            answer = self._services.call(name, json.loads(body or b"{}"))
            if answer is None:
                if name in ANSWERED_BY_MOTO:
                    return None
                raise ApiError("NotImplemented", f"The offline AWS does not offer {name}.")
            return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer, default=_json).encode()
        except ApiError as error:
            status, answer = error.status, {"__type": error.code, "message": error.message, **error.details}
        except Exception as error:
            # botocore would retry a 5xx for seconds; a fault of the offline AWS is the same each time.
            logger.exception("%s failed", name)
            message = f"The offline AWS failed in {name}: {error!r}"
            status, answer = 400, {"__type": "InternalFailure", "message": message}
        return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()

    def _invoke(self, endpoint: str, environ: WSGIEnvironment) -> tuple[int, dict[str, str], bytes]:
        body = _body(environ)
        try:
            answer, variant = self._services.endpoints.invoke(
                endpoint,
                Invocation(
                    body,
                    content_type=environ.get("CONTENT_TYPE"),
                    accept=environ.get("HTTP_ACCEPT"),
                    target=environ.get("HTTP_X_AMZN_SAGEMAKER_TARGET_VARIANT"),
                    inference_id=environ.get("HTTP_X_AMZN_SAGEMAKER_INFERENCE_ID"),
                    custom_attributes=environ.get("HTTP_X_AMZN_SAGEMAKER_CUSTOM_ATTRIBUTES"),
                ),
            )
        except ApiError as error:
            return _invocation_error(error)
        headers = {"Content-Type": answer.content_type, "x-Amzn-Invoked-Production-Variant": variant}
        return 200, headers, answer.body

    def _queue(self, endpoint: str, environ: WSGIEnvironment) -> tuple[int, dict[str, str], bytes]:
        """Accept an InvokeEndpointAsync: its request is in S3, and its answer will be."""
        try:
            accepted = self._services.async_invocations.accept(endpoint, environ)
        except ApiError as error:
            return _invocation_error(error)
        headers = {
            "Content-Type": "application/json",
            "X-Amzn-SageMaker-OutputLocation": accepted.output,
            "X-Amzn-SageMaker-FailureLocation": accepted.failure,
        }
        return 202, headers, json.dumps({"InferenceId": accepted.inference_id}).encode()

    def _human_loops(self, environ: WSGIEnvironment) -> tuple[int, dict[str, str], bytes]:
        """Answer a request to Amazon A2I's runtime."""
        place = environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", "")
        try:
            answer = self._services.call_a2i(*place, _body(environ))
        except ApiError as error:
            return _invocation_error(error)
        return 200, {"Content-Type": "application/json"}, json.dumps(answer, default=_iso).encode()

    def _iam(self, form: dict[str, list[str]]) -> tuple[int, dict[str, str], bytes] | None:
        """Answer SimulatePrincipalPolicy, which moto lacks: the offline AWS has no IAM, so every action is allowed."""
        if form.get("Action") != ["SimulatePrincipalPolicy"]:
            return None
        principal = form.get("PolicySourceArn", [""])[0]
        try:
            if ":role/" in principal:
                self._context.client("iam").get_role(RoleName=principal.rsplit("/", 1)[-1])
        except ClientError as error:
            message = escape(error.response["Error"]["Message"])
            fault = f"<Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>{message}</Message></Error>"
            return 404, {"Content-Type": "text/xml"}, f'<ErrorResponse xmlns="{_IAM}">{fault}</ErrorResponse>'.encode()
        actions = [values[0] for key, values in form.items() if key.startswith("ActionNames.member.")]
        members = "".join(
            f"<member><EvalActionName>{escape(action)}</EvalActionName><EvalResourceName>*</EvalResourceName>"
            "<EvalDecision>allowed</EvalDecision></member>"
            for action in actions
        )
        result = f"<EvaluationResults>{members}</EvaluationResults><IsTruncated>false</IsTruncated>"
        name = "SimulatePrincipalPolicy"
        text = f'<{name}Response xmlns="{_IAM}"><{name}Result>{result}</{name}Result></{name}Response>'
        return 200, {"Content-Type": "text/xml"}, text.encode()
