"""Account, bucket and key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.doctor.findings import Level
from pipeline.doctor.identity import identity
from pipeline.doctor.storage import bucket, captured_images, key

WHO = {"Account": "111122223333", "Arn": "arn:aws:sts::111122223333:assumed-role/dev/me", "UserId": "me"}
KEY = "arn:aws:kms:us-east-1:111122223333:key/1"
Build = Callable[..., Any]


@pytest.mark.parametrize(
    ("account", "assignments", "level", "text"),
    [
        pytest.param("111122223333", [], Level.OK, "with aws.account set, another would be an error", id="any"),
        pytest.param("111122223333", ["aws.account='111122223333'"], Level.OK, "as aws.account says", id="as expected"),
        pytest.param(
            "111122223333", ["aws.account='999999999999'"], Level.ERROR, "but aws.account is 999999999999", id="not it"
        ),
        pytest.param("444455556666", [], Level.ERROR, "aws.role is of 111122223333", id="not the role's"),
    ],
)
def test_the_account(
    scripted: Build, configured: Build, account: str, assignments: list[str], level: Level, text: str
) -> None:
    aws = scripted(sts={"get_caller_identity": {**WHO, "Account": account}})
    credentials, found = identity(configured(*assignments), aws)
    assert credentials.text == f"{WHO['Arn']}, us-east-1"
    assert found.level is level
    assert text in found.text


def test_a_bucket_as_it_should_be(scripted: Build, configured: Build) -> None:
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
    s3 = {
        "head_bucket": {"BucketRegion": "us-east-1"},
        "get_bucket_encryption": {"ServerSideEncryptionConfiguration": {"Rules": rules}},
        "get_bucket_versioning": {"Status": "Enabled"},
    }
    (found,) = bucket(configured(), scripted(s3=s3))
    assert (found.level, found.text) == (Level.OK, "my-bucket in us-east-1, encrypted (AES256), versioned")


def test_hints_that_may_not_be_asked_for_are_unverified(
    scripted: Build, configured: Build, refusal: Callable[..., Exception]
) -> None:
    denied = refusal("AccessDenied", 403)
    s3 = {"head_bucket": {}, "get_bucket_encryption": denied, "get_bucket_versioning": denied}
    (found,) = bucket(configured(), scripted(s3=s3))
    assert found.level is Level.OK
    assert "encryption unverified (AccessDenied), versioning unverified (AccessDenied)" in found.text


def test_a_bucket_with_a_key_of_its_own(scripted: Build, configured: Build) -> None:
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
    rules = [{"ApplyServerSideEncryptionByDefault": default}]
    s3 = {
        "head_bucket": {},
        "get_bucket_encryption": {"ServerSideEncryptionConfiguration": {"Rules": rules}},
        "get_bucket_versioning": {},
    }
    (found,) = bucket(configured(), scripted(s3=s3))
    assert found.level is Level.WARNING
    assert f"default encryption uses {KEY}" in found.text
    assert "set aws.kms_key to it" in found.remedy
    (found,) = bucket(configured(f"aws.kms_key={KEY}"), scripted(s3=s3))
    assert found.level is Level.OK


@pytest.mark.parametrize(
    ("code", "status", "headers", "text", "remedy"),
    [
        pytest.param("404", 404, {}, "there is no bucket", "aws s3 mb s3://my-bucket --region us-east-1", id="missing"),
        pytest.param("403", 403, {}, "may not use bucket my-bucket", "check that it is yours", id="another's"),
        pytest.param(
            "301",
            301,
            {"x_amz_bucket_region": "eu-west-1"},
            "my-bucket is in eu-west-1, the jobs are in us-east-1",
            "set aws.region to eu-west-1",
            id="elsewhere",
        ),
    ],
)
def test_a_bucket_that_cannot_be_used(
    scripted: Build,
    configured: Build,
    refusal: Callable[..., Exception],
    code: str,
    status: int,
    headers: dict[str, str],
    text: str,
    remedy: str,
) -> None:
    (found,) = bucket(configured(), scripted(s3={"head_bucket": refusal(code, status, **headers)}))
    assert found.level is Level.ERROR
    assert found.text.startswith("aws.bucket: ")
    assert text in found.text
    assert remedy in found.remedy


def test_a_bucket_elsewhere_that_answers(scripted: Build, configured: Build) -> None:
    (found,) = bucket(configured(), scripted(s3={"head_bucket": {"BucketRegion": "eu-west-1"}}))
    assert found.level is Level.ERROR


def described(**members: Any) -> dict[str, Any]:
    return {"KeyMetadata": {"KeyId": "1", "Arn": KEY, "KeyState": "Enabled", **members}}


@pytest.mark.parametrize(
    ("answer", "level", "text"),
    [
        pytest.param(described(), Level.OK, f"{KEY} is enabled", id="enabled"),
        pytest.param(described(KeyState="PendingDeletion"), Level.ERROR, "is PendingDeletion", id="about to go"),
        pytest.param(described(KeyUsage="SIGN_VERIFY"), Level.ERROR, "is for SIGN_VERIFY", id="for signing"),
        pytest.param(
            described(Arn=KEY.replace("us-east-1", "eu-west-1")), Level.ERROR, "is not in us-east-1", id="elsewhere"
        ),
    ],
)
def test_the_key(scripted: Build, configured: Build, answer: dict[str, Any], level: Level, text: str) -> None:
    (found,) = key(configured("aws.kms_key=alias/mine"), scripted(kms={"describe_key": answer}))
    assert found.level is level
    assert text in found.text


def test_a_key_that_is_not_there(scripted: Build, configured: Build, refusal: Callable[..., Exception]) -> None:
    kms = {"describe_key": refusal("NotFoundException", message="Alias alias/mine is not found.")}
    (found,) = key(configured("aws.kms_key=alias/mine"), scripted(kms=kms))
    assert (found.level, found.text) == (Level.ERROR, "aws.kms_key: Alias alias/mine is not found.")


def test_no_key(scripted: Build, configured: Build) -> None:
    (found,) = key(configured(), scripted())
    assert found.level is Level.OK


def expiring(prefix: str, days: int, **more: Any) -> dict[str, Any]:
    return {"Status": "Enabled", "Filter": {"Prefix": prefix, **more}, "Expiration": {"Days": days}}


CAPTURES = ("deploy.endpoint.data_capture_percent=10", "monitor.keep_days=30")


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        pytest.param([expiring("groundloop/capt", 30), expiring("groundloop/monitoring/", 7)], [], id="all deleted"),
        pytest.param([expiring("", 1)], [], id="a rule for everything"),
        pytest.param([expiring("groundloop/", 31)], ["capture", "captured", "monitoring"], id="too late"),
        pytest.param([expiring("groundloop/captured/", 30)], ["capture", "monitoring"], id="some"),
        pytest.param(
            [expiring("groundloop/", 1, ObjectSizeGreaterThan=9)], ["capture", "captured", "monitoring"], id="filtered"
        ),
        pytest.param(None, ["capture", "captured", "monitoring"], id="no lifecycle"),
    ],
)
def test_captured_images_are_deleted_in_time(
    scripted: Build, configured: Build, refusal: Build, rules: list[Any] | None, kept: list[str]
) -> None:
    answer = refusal("NoSuchLifecycleConfiguration") if rules is None else {"Rules": rules}
    (found,) = captured_images(configured(*CAPTURES), scripted(s3={"get_bucket_lifecycle_configuration": answer}))
    assert found.level is (Level.WARNING if kept else Level.OK)
    assert all(f'"Prefix": "groundloop/{folder}/"' in found.remedy for folder in kept)


def test_nothing_is_said_of_captured_images_where_nobody_asks(scripted: Build, configured: Build) -> None:
    assert captured_images(configured(CAPTURES[0]), scripted()) == []
    assert captured_images(configured(CAPTURES[1]), scripted()) == [], "nothing is captured"
