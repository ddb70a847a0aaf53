"""Run trials one after the other, within a budget, and leave nothing behind."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from groundloop.aws import client as aws_client
from groundloop.aws import error_code, error_message, explain, offline_endpoint
from groundloop.errors import UserError
from pipeline.config import Config
from pipeline.deployed import caller_account
from pipeline.prove.allotment import Allotment
from pipeline.prove.budget import Budget, OverBudgetError
from pipeline.prove.catalogue import TRIALS
from pipeline.prove.journal import Journal, Place, new_run_id
from pipeline.prove.proof import Proof, redactor, write
from pipeline.prove.removal import remove_all
from pipeline.prove.trial import Trial
from pipeline.prove.verdict import NotTriedError, Verdict, broke, not_tried
from pipeline.prove.workbench import Trained, Workbench

#: Refusals that say nothing of an assumption: of the credentials, of a quota, of too many calls.
_ASIDE = {
    "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "ExpiredToken", "ExpiredTokenException",
    "InvalidClientTokenId", "UnrecognizedClientException", "ThrottlingException", "Throttling",
    "ResourceLimitExceeded", "NotImplemented", "InternalFailure", "ServiceUnavailable", "SubscriptionRequiredException",
}  # fmt: skip
#: What stays until the end: later trials need it.
_KEPT = {"S3 prefix"}


@dataclass
class Account:
    """The account that a proof runs in.

    Attributes:
        client: a boto3 client by service.
    """

    config: Config
    id: str
    client: Callable[[str], Any]

    @classmethod
    def of(cls, config: Config) -> Account:
        """Return the account of the environment's credentials.

        Raises:
            UserError: it is not the configured one.
        """
        account = caller_account(config)
        if config.aws.account is not None and account != config.aws.account:
            raise UserError(f"these credentials are of account {account}, but aws.account is {config.aws.account}")
        return cls(config, account, lambda service: aws_client(service, config.aws.region))


def clean(account: Account, journal: Journal, tell: Callable[[str], None]) -> None:
    """Remove what the journal of an earlier proof names.

    Raises:
        UserError: it was made in another account, region or offline AWS; or something can't be removed.
    """
    place = journal.place
    if place is None or not journal.left:
        return
    here = (account.config.aws.region, account.id, offline_endpoint() or "")
    if here != (place.region, place.account, place.offline):
        if place.offline and not _answers(place.offline):
            for resource in journal.left:
                journal.removed(resource)
            tell(f"the offline AWS at {place.offline} has ended, and all that was in it")
            return
        where = place.offline or f"account {place.account}, region {place.region}"
        raise UserError(
            f"{journal.path} names {len(journal.left)} resources in {where}: remove them first, with that "
            "environment and `groundloop prove --clean`"
        )
    remove_all(account.config, account.client, journal, tell)


def _answers(address: str) -> bool:
    url = urlsplit(address)
    try:
        socket.create_connection((url.hostname or "", url.port or 80), timeout=1).close()
    except OSError:
        return False
    return True


def run(
    account: Account,
    trials: Sequence[Trial],
    journal: Journal,
    budget: Budget | None,
    folder: Path,
    tell: Callable[[str], None],
) -> Proof:
    """Run trials in their order; whatever happens, write the proof and remove what was made.

    Args:
        budget: for the paid ones; None: none of the trials is paid.
        folder: where the proof is written, after each trial anew.

    Raises:
        UserError: something that was made could not be removed.
    """
    run_id = new_run_id()
    region = account.config.aws.region
    journal.begin(Place(run_id, region, account.id, offline_endpoint() or ""))
    assumptions = [(trial, assumption) for trial in TRIALS for assumption in trial.assumptions]
    proof = Proof(region, bool(offline_endpoint()), budget.limit_usd if budget else None, assumptions)
    redact = redactor(account.config, account.id)
    for trial, assumption in assumptions:
        why = trial.by_hand or ("the run was interrupted" if trial in trials else "it was not asked for")
        proof.add(not_tried(assumption, why))
    trained: Trained | None = None
    try:
        for trial in trials:
            tell(f"\n{trial.id}")
            allotment = Allotment({}, {}, 0.0)
            try:
                if trial.by_hand:
                    raise NotTriedError(trial.by_hand)
                if trial.only_aws and offline_endpoint():
                    raise NotTriedError(trial.only_aws)
                if budget:
                    allotment = budget.allot(trial)
                bench = Workbench(account.config, run_id, account.client, journal, allotment, tell, trained)
                for verdict in outcomes(trial, bench):
                    proof.add(verdict)
                trained = bench.trained
            except (NotTriedError, OverBudgetError) as error:
                for assumption in trial.assumptions:
                    proof.add(not_tried(assumption, str(error)))
            finally:
                if budget:
                    budget.charge(allotment)
                    proof.spent_usd = budget.spent_usd
                write(proof, folder, redact)
            _tell_verdicts(trial, proof, tell)
            _remove_of_trial(account, journal, tell)
    except KeyboardInterrupt:
        tell("interrupted: what was made is removed (Ctrl-C again leaves it to `groundloop prove --clean`)")
        raise
    finally:
        remove_all(account.config, account.client, journal, tell)
    return proof


def outcomes(trial: Trial, bench: Workbench) -> Iterator[Verdict]:
    """Run a trial and return a verdict for each of its assumptions, whatever happens to it."""
    waiting = {assumption.id: assumption for assumption in trial.assumptions}
    why, words = "the test ended early", ""
    try:
        for verdict in trial.run(bench):
            waiting.pop(verdict.assumption)
            yield verdict
    except NotTriedError as error:
        why, words = str(error), error.words
    except ClientError as error:
        why, words = f"{error.operation_name} was refused", f"{error_code(error)}: {error_message(error)}"
        if error_code(error) not in _ASIDE and waiting:
            # The call was about the assumption whose turn it was.
            yield broke(waiting.pop(next(iter(waiting))), why, words)
    except BotoCoreError as error:
        why = explain(error)
    except UserError as error:
        why = str(error)
    for assumption in waiting.values():
        yield not_tried(assumption, why, words)


def _remove_of_trial(account: Account, journal: Journal, tell: Callable[[str], None]) -> None:
    """Remove what a trial has made, except for what later ones need."""
    kept = [resource for resource in journal.left if resource.kind in _KEPT]
    remove_all(account.config, account.client, journal, tell, kept)


def _tell_verdicts(trial: Trial, proof: Proof, tell: Callable[[str], None]) -> None:
    for assumption in trial.assumptions:
        verdict = proof.verdicts[assumption.id]
        words = f" ({verdict.words})" if verdict.words else ""
        tell(f"  {verdict.outcome.value:<10}{assumption.id}: {verdict.text}{words}")
