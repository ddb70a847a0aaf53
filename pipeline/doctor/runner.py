"""All checks, side by side, each with a limit of time."""

from __future__ import annotations

import functools
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from groundloop.aws import error_code, error_message, explain, offline_endpoint
from groundloop.errors import UserError
from pipeline.config import Config
from pipeline.doctor.endpoint import ENDPOINT, endpoint
from pipeline.doctor.findings import AccountFinding, error, not_checked, unverified
from pipeline.doctor.identity import CREDENTIALS, identity, installation
from pipeline.doctor.labels import IMAGES, MANIFEST, labels
from pipeline.doctor.network import NETWORK, network
from pipeline.doctor.quotas import QUOTAS, quotas
from pipeline.doctor.region import region
from pipeline.doctor.role import PERMISSIONS, ROLE, permissions, role
from pipeline.doctor.session import Aws, Session
from pipeline.doctor.storage import BUCKET, KEY, bucket, key

SECONDS = 60.0
_CONNECTION = "connection"
_REFUSED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403", "Forbidden"}


@dataclass(frozen=True)
class Check:
    """One check; `names` are those of its findings, for when it can't be made."""

    names: tuple[str, ...]
    look: Callable[[Config, Aws], list[AccountFinding]]


CHECKS: tuple[Check, ...] = (
    Check((BUCKET,), bucket),
    Check((KEY,), key),
    Check((ROLE,), role),
    Check((PERMISSIONS,), permissions),
    Check((QUOTAS,), quotas),
    Check((MANIFEST, IMAGES), labels),
    Check((NETWORK,), network),
    Check((ENDPOINT,), endpoint),
)


def run_checks(config: Config, aws: Aws | None = None, seconds: float = SECONDS) -> Iterator[AccountFinding]:
    """Run all checks and yield their findings in a fixed order. Nothing is changed anywhere."""
    yield from installation()
    try:
        session = aws or Session(config.aws.region)
        who = _within(seconds, lambda: identity(config, session))
    except (ClientError, BotoCoreError, TimeoutError) as fault:
        yield from region(config)
        reason = _no_way(fault)
        yield reason
        because = "AWS can't be reached" if reason.check == _CONNECTION else "there are no credentials that AWS takes"
        for check in CHECKS:
            yield from (not_checked(name, because) for name in check.names)
        return
    yield from who
    waiting = [(check, _started(check.names[0], functools.partial(check.look, config, session))) for check in CHECKS]
    yield from region(config)
    until = time.monotonic() + seconds
    for check, answers in waiting:
        yield from _finished(check, answers, until, seconds)


def _no_way(fault: Exception) -> AccountFinding:
    """Why AWS tells nothing: no network, or no credentials."""
    if isinstance(fault, TimeoutError):
        return error(_CONNECTION, "AWS did not answer", "look at the network, a proxy or a VPN")
    assert isinstance(fault, BotoCoreError | ClientError)  # noqa: S101 (the only others that are caught)
    if isinstance(fault, NoConnectionError | HTTPClientError):
        return error(_CONNECTION, explain(fault), "look at the network, a proxy or a VPN, and at AWS_ENDPOINT_URL")
    return error(CREDENTIALS, explain(fault), "aws sts get-caller-identity has to work with these credentials")


_Answers = queue.SimpleQueue[list[AccountFinding] | Exception]


def _started(name: str, ask: Callable[[], list[AccountFinding]]) -> _Answers:
    """Start a check in a thread; its findings, or its exception, arrive in the queue returned."""
    answers: _Answers = queue.SimpleQueue()

    def look() -> None:
        try:
            answers.put(ask())
        except Exception as fault:
            answers.put(fault)

    # A daemon: a call that hangs must not keep the program from ending.
    threading.Thread(target=look, name=f"doctor-{name}", daemon=True).start()
    return answers


def _finished(check: Check, answers: _Answers, until: float, seconds: float) -> list[AccountFinding]:
    try:
        answer = answers.get(timeout=max(0.01, until - time.monotonic()))
    except queue.Empty:
        return [not_checked(name, f"AWS did not answer within {seconds:g} s") for name in check.names]
    if isinstance(answer, list):
        return answer
    return [_failed(name, answer) for name in check.names]


def _failed(name: str, fault: Exception) -> AccountFinding:
    """Report a check that could not be made; a missing permission of the credentials is a warning, not an error."""
    if isinstance(fault, NoConnectionError | HTTPClientError):
        return error(name, f"not checked: {explain(fault)}", "look at the network, a proxy or a VPN")
    if isinstance(fault, ClientError):
        if error_code(fault) in _REFUSED:
            remedy = f"allow {fault.operation_name} to whoever runs doctor, or look by hand"
            return unverified(name, name, f"these credentials may not {fault.operation_name}", remedy)
        if offline_endpoint():
            return unverified(name, name, f"the offline AWS does not offer {fault.operation_name}")
        return error(name, f"{fault.operation_name}: {error_code(fault)}: {error_message(fault)}", "see the message")
    if isinstance(fault, BotoCoreError):
        return error(name, explain(fault), "see the message")
    if isinstance(fault, UserError):
        return error(name, str(fault), "see the message")
    raise fault


def _within(seconds: float, ask: Callable[[], list[AccountFinding]]) -> list[AccountFinding]:
    """Run a call that may hang.

    Raises:
        TimeoutError: it takes longer.
    """
    answers = _started(CREDENTIALS, ask)
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer
