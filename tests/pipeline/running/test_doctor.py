"""The doctor on the offline AWS, which has no IAM, no quotas and no instances, and says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

GROUNDLOOP = Callable[..., Any]
BOX = {"class_id": 0, "left": 1, "top": 1, "width": 5, "height": 5}


@pytest.fixture
def manifest(put: Callable[[str, bytes], str], image: str) -> str:
    """A manifest with one good line and one whose image is missing."""
    label = {"annotations": [BOX], "image_size": [{"width": 32, "height": 32, "depth": 3}]}
    metadata = {"type": "groundtruth/object-detection", "class-map": {"0": "bolt"}, "objects": [{"confidence": 1}]}
    lines = [
        json.dumps({"source-ref": reference, "parts": label, "parts-metadata": metadata})
        for reference in (image, image.replace("grey", "gone"))
    ]
    return put("labels/output.manifest", "\n".join(lines).encode())


def test_what_is_there_is_ok_and_what_cannot_be_known_is_unverified(groundloop: GROUNDLOOP, manifest: str) -> None:
    ran = groundloop("doctor", "--json", "-s", f"labels.manifest={manifest}")
    assert ran.code == 0, ran.out
    assert ran.json["ok"] is True
    checks = {check["check"]: check for check in ran.json["checks"]}
    assert all(set(check) == {"check", "level", "text", "remedy"} for check in checks.values())
    assert {name: check["level"] for name, check in checks.items()} == {
        "installation": "ok",
        "credentials": "ok",
        "account": "ok",
        "region": "ok",
        "endpoint": "ok",
        "bucket": "ok",
        "KMS key": "ok",
        "role": "ok",
        "permissions": "warning",
        "quotas": "warning",
        "manifest": "ok",
        "images": "warning",
        "network": "ok",
    }
    assert "unverified" in checks["permissions"]["text"]
    assert "unverified" in checks["quotas"]["text"]
    assert "2 images checked in S3, 1 can't be used" in checks["images"]["text"]


def test_an_error_is_exit_code_1_with_the_remedy_under_it(groundloop: GROUNDLOOP, manifest: str) -> None:
    wrong = (
        "aws.bucket=nobodys-bucket",
        "aws.role=arn:aws:iam::123456789012:role/nope",
        "aws.kms_key=alias/nope",
        "aws.network={subnets: [subnet-0], security_groups: [sg-0]}",
    )
    arguments = [argument for setting in wrong for argument in ("-s", setting)]
    ran = groundloop("doctor", "-s", f"labels.manifest={manifest}", *arguments)
    assert ran.code == 1
    lines = ran.out.splitlines()
    failed = {line.split(":")[0].removeprefix("error").strip() for line in lines if line.startswith("error")}
    assert failed >= {"bucket", "role", "KMS key", "network"}
    remedy = lines[next(number for number, line in enumerate(lines) if "no bucket nobodys-bucket" in line) + 1]
    assert remedy.strip() == "-> create it: aws s3 mb s3://nobodys-bucket --region us-east-1"


def test_the_trust_policy_is_as_create_role_takes_it(groundloop: GROUNDLOOP) -> None:
    ran = groundloop("doctor", "--policy", "trust")
    assert [statement["Sid"] for statement in ran.json["Statement"]] == ["ServicesAssumeRole"]


def test_the_policies_need_no_aws(groundloop: GROUNDLOOP, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    ran = groundloop("doctor", "--policy", "role", "--image-bucket", "pictures")
    assert ran.code == 0
    assert set(ran.json) == {"Version", "Statement"}, "as aws iam put-role-policy takes it"
    statements = {statement["Sid"]: statement for statement in ran.json["Statement"]}
    assert "arn:aws:s3:::pictures/*" in statements["ReadLabelsAndImages"]["Resource"]
    assert "arn:aws:ecr:us-east-1:811284229777:repository/object-detection" in statements["PullImages"]["Resource"]
