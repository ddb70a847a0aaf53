"""All checks, side by side, each with a limit of time."""

from __future__ import annotations

import functools
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from groundloop.aws import error_code, error_message, explain, offline_endpoint
from groundloop.errors import UserError
from pipeline.config import Config
from pipeline.doctor.endpoint import ENDPOINT, endpoint
from pipeline.doctor.findings import AccountFinding, error, missing, not_checked, unverified
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
_ROLE_KEY, _BUCKET_KEY, _MANIFEST_KEY = "aws.role", "aws.bucket", "labels.manifest"
#: By required setting: the check that reports it when it is not set, and what to do.
_MISSING = {
    _BUCKET_KEY: (BUCKET, "create one (aws s3 mb s3://NAME --region {region}), and set it"),
    _ROLE_KEY: (
        ROLE,
        "create one (`groundloop doctor --policy trust` and `--policy role` print its policies), and set its ARN",
    ),
    _MANIFEST_KEY: (MANIFEST, "set it to the S3 URI of the labelling job's output.manifest"),
}
_REFUSED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403", "Forbidden"}


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        names: names of its findings, for when it can't be made.
        look: makes the check.
        needs: required settings without which it can't be made.
    """

    names: tuple[str, ...]
    look: Callable[[Config, Aws], list[AccountFinding]]
    needs: tuple[str, ...] = ()


CHECKS: tuple[Check, ...] = (
    Check((BUCKET,), bucket, (_BUCKET_KEY,)),
    Check((KEY,), key),
    Check((ROLE,), role, (_ROLE_KEY,)),
    Check((PERMISSIONS,), permissions, (_ROLE_KEY, _BUCKET_KEY, _MANIFEST_KEY)),
    Check((QUOTAS,), quotas),
    Check((MANIFEST, IMAGES), labels, (_MANIFEST_KEY,)),
    Check((NETWORK,), network),
    Check((ENDPOINT,), endpoint),
)


def run_checks(
    config: Config, aws: Aws | None = None, seconds: float = SECONDS, unset: Collection[str] = ()
) -> Iterator[AccountFinding]:
    """Run all checks and yield their findings in a fixed order. Nothing is changed anywhere.

    Args:
        config: the configuration.
        aws: where the answers come from; default: the AWS of the environment.
        seconds: limit of time for each check.
        unset: required settings that are not set; checks that need them are skipped.
    """
    yield from installation()
    try:
        session = aws or Session(config.aws.region)
        who = _within(seconds, lambda: identity(config, session, role_is_set=_ROLE_KEY not in unset))
    except (ClientError, BotoCoreError, TimeoutError) as fault:
        reason = _no_way(fault)
        yield reason
        because = "AWS can't be reached" if reason.check == _CONNECTION else "there are no valid credentials"
        for check in CHECKS:
            yield from _without(check, config, unset) or (not_checked(name, because) for name in check.names)
        yield from region(config)  # last: it may have to import the SDK
        return
    yield from who
    waiting = [
        (
            check,
            _without(check, config, unset) or _started(check.names[0], functools.partial(check.look, config, session)),
        )
        for check in CHECKS
    ]
    yield from region(config)
    until = time.monotonic() + seconds
    for check, answers in waiting:
        yield from answers if isinstance(answers, list) else _finished(check, answers, until, seconds)


def _without(check: Check, config: Config, unset: Collection[str]) -> list[AccountFinding]:
    """Return the findings of a check that needs a setting that is not set; empty if it can be made."""
    key = next((key for key in check.needs if key in unset), None)
    if key is None:
        return []
    reporter, remedy = _MISSING[key]
    return [
        missing(name, key, remedy.format(region=config.aws.region))
        if name == reporter
        else not_checked(name, f"{key} is not set")
        for name in check.names
    ]


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
