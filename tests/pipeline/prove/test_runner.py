"""What becomes of an assumption when AWS refuses, when a trial ends early, and when something can't be removed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from groundloop.errors import UserError
from groundloop.local import LocalAws
from pipeline.prove.journal import Journal, Place
from pipeline.prove.proof import redactor
from pipeline.prove.runner import Account, clean, outcomes, run
from pipeline.prove.trial import Trial
from pipeline.prove.verdict import Assumption, NotTriedError, Outcome, Verdict, held
from pipeline.prove.workbench import Workbench, prerequisite
from pipeline.teardown import Resource
from tests.pipeline.prove.conftest import ACCOUNT, configured, left_over

FIRST, SECOND = (Assumption(name, "It is so.", "It matters.", "By asking.", "A page") for name in ("first", "second"))


def refusal(code: str, message: str = "no such thing") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "CreatePipeline")


def refuse(message: str) -> None:
    raise refusal("ValidationException", message)


def trial(*, fails: BaseException | None = None, creates: Callable[[Workbench], object] = lambda _: None) -> Trial:
    """Return a trial in which the first assumption holds and the second fails."""

    def steps(bench: Workbench) -> Iterator[Verdict]:
        creates(bench)
        yield held(FIRST, "seen")
        if fails is not None:
            raise fails

    return Trial("tried", (FIRST, SECOND), (), steps)


@pytest.mark.parametrize(
    ("fault", "outcome", "text", "words"),
    [
        pytest.param(
            refusal("ValidationException", "Nested conditions are not supported"), Outcome.BROKE,
            "CreatePipeline was refused", "ValidationException: Nested conditions are not supported",
            id="refused",
        ),
        pytest.param(
            refusal("AccessDeniedException", "User is not authorized"), Outcome.NOT_TRIED,
            "CreatePipeline was refused", "AccessDeniedException: User is not authorized",
            id="credentials",
        ),
        pytest.param(
            refusal("ResourceLimitExceeded", "limit of 0"), Outcome.NOT_TRIED,
            "CreatePipeline was refused", "ResourceLimitExceeded: limit of 0",
            id="quota",
        ),
        pytest.param(
            EndpointConnectionError(endpoint_url="https://x"), Outcome.NOT_TRIED, "Could not connect", "", id="network"
        ),
        pytest.param(NotTriedError("nothing to ask"), Outcome.NOT_TRIED, "nothing to ask", "", id="given up"),
        pytest.param(UserError("no bucket"), Outcome.NOT_TRIED, "no bucket", "", id="user"),
        pytest.param(None, Outcome.NOT_TRIED, "the test ended early", "", id="silent"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_in_the_services_words(
    bench: Callable[..., Workbench], fault: Exception | None, outcome: Outcome, text: str, words: str
) -> None:
    first, second = outcomes(trial(fails=fault), bench())
    assert first == held(FIRST, "seen")
    assert (second.outcome, second.words) == (outcome, words)
    assert text in second.text


def test_only_the_assumption_whose_turn_it_was_breaks(bench: Callable[..., Workbench]) -> None:
    def steps(_: Workbench) -> Iterator[Verdict]:
        refuse("no such thing")
        yield held(FIRST, "never")

    first, second = outcomes(Trial("tried", (FIRST, SECOND), (), steps), bench())
    assert (first.outcome, second.outcome) == (Outcome.BROKE, Outcome.NOT_TRIED)
    assert first.words == second.words == "ValidationException: no such thing"


def test_a_refusal_of_what_comes_before_the_question_breaks_nothing(bench: Callable[..., Workbench]) -> None:
    def steps(_: Workbench) -> Iterator[Verdict]:
        with prerequisite():
            refuse("Could not assume role")
        yield held(FIRST, "never")

    for verdict in outcomes(Trial("tried", (FIRST, SECOND), (), steps), bench()):
        assert (verdict.outcome, verdict.text) == (Outcome.NOT_TRIED, "CreatePipeline was refused")
        assert verdict.words == "ValidationException: Could not assume role"


def _account(aws: LocalAws) -> Account:
    return Account(configured(), ACCOUNT, aws.client)


def _group(bench: Workbench) -> None:
    name = bench.name("group")
    request = {"ModelPackageGroupName": name}
    bench.create("package group", name, lambda: bench.client("sagemaker").create_model_package_group(**request))


@pytest.mark.parametrize("fault", [None, refusal("ValidationException"), KeyboardInterrupt(), ValueError("a fault")])
def test_whatever_happens_nothing_is_left(aws: LocalAws, tmp_path: Path, fault: BaseException | None) -> None:
    journal = Journal(tmp_path)
    with contextlib.suppress(KeyboardInterrupt, ValueError):
        run(_account(aws), [trial(fails=fault, creates=_group)], journal, None, tmp_path, lambda _: None)
    assert left_over() == {}
    assert journal.left == []
    journal.close()


def test_a_name_that_is_taken_is_never_removed(aws: LocalAws, tmp_path: Path) -> None:
    sagemaker, journal = aws.client("sagemaker"), Journal(tmp_path)
    verdicts: list[str] = []

    def taken(bench: Workbench) -> None:
        sagemaker.create_model_package_group(ModelPackageGroupName=bench.name("group"))
        _group(bench)

    run(_account(aws), [trial(creates=taken)], journal, None, tmp_path, verdicts.append)
    (group,) = left_over()["package groups"]
    sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    assert any("CreateModelPackageGroup was refused" in line for line in verdicts)
    journal.close()


def test_what_cannot_be_removed_is_said_and_stays_in_the_journal(aws: LocalAws, tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.begin(Place("0123abcd", "us-east-1", ACCOUNT, aws.endpoint_url))
    journal.create(Resource("S3 prefix", "groundloop/prove/0123abcd"))
    account = Account(configured("aws.bucket=no-such-bucket"), ACCOUNT, aws.client)
    with pytest.raises(UserError, match=r"(?s)S3 prefix groundloop/prove/0123abcd: .*prove --clean` tries again"):
        clean(account, journal, lambda _: None)
    assert len(journal.left) == 1
    journal.close()


@pytest.mark.parametrize(
    ("place", "message"),
    [
        pytest.param(Place("a", "us-east-1", "111122223333", ""), "account 111122223333, region us-east-1", id="AWS"),
        pytest.param(Place("a", "eu-west-1", ACCOUNT, ""), "region eu-west-1", id="region"),
    ],
)
def test_what_was_made_elsewhere_is_not_looked_for_here(
    aws: LocalAws, tmp_path: Path, place: Place, message: str
) -> None:
    journal = Journal(tmp_path)
    journal.begin(place)
    journal.create(Resource("pipeline", "groundloop-prove-a"))
    with pytest.raises(UserError, match=f"names 1 resources in .*{message}"):
        clean(_account(aws), journal, lambda _: None)
    journal.close()


def test_an_offline_aws_that_has_ended_took_everything_with_it(aws: LocalAws, tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    messages: list[str] = []
    journal.begin(Place("a", "us-east-1", ACCOUNT, "http://127.0.0.1:9"))
    journal.create(Resource("pipeline", "groundloop-prove-a"))
    clean(_account(aws), journal, messages.append)
    assert journal.left == []
    assert messages == ["the offline AWS at http://127.0.0.1:9 has ended, and all that was in it"]
    journal.close()


def test_credentials_of_another_account_are_refused(aws: LocalAws) -> None:
    with pytest.raises(UserError, match=f"of account {ACCOUNT}, but aws.account is 999999999999"):
        Account.of(configured("aws.account='999999999999'"))


def test_reports_leave_names_out() -> None:
    redact = redactor(configured(), ACCOUNT)
    text = (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/admin/jane is not authorized to perform: iam:PassRole on resource: "
        f"arn:aws:iam::{ACCOUNT}:role/groundloop-local, s3://groundloop-local/x"
    )
    assert redact(text) == (
        "User: arn:aws:sts::<account>:assumed-role/admin/<name> is not authorized to perform: iam:PassRole on "
        "resource: arn:aws:iam::<account>:role/<role>, s3://<bucket>/x"
    )
