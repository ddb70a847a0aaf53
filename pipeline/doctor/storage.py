"""The bucket for code and results, and the KMS key."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import error_code, error_message
from pipeline.config import Config
from pipeline.doctor.findings import AccountFinding, error, ok, warning
from pipeline.doctor.session import Aws

BUCKET, KEY, CAPTURED = "bucket", "KMS key", "captured images"
#: Folders below the prefix with what customers have sent.
CAPTURED_FOLDERS = ("capture", "captured", "monitoring")


def bucket(config: Config, aws: Aws) -> list[AccountFinding]:
    """Check that the bucket exists and is in the region; report its encryption and versioning."""
    name, region = config.aws.bucket, config.aws.region
    if fault := bucket_fault(aws, name, region, BUCKET, "aws.bucket"):
        return [fault]
    s3 = aws.client("s3")
    algorithm, key = bucket_encryption(s3, name)
    text = f"{name} in {region}, {algorithm}, {_versioning(s3, name)}"
    if key and not config.aws.kms_key:
        return [
            warning(
                BUCKET,
                f"{text}; its default encryption uses {key}, which the jobs then need",
                "set aws.kms_key to it: results carry it, and `groundloop doctor --policy role` allows it",
            ),
            *captured_images(config, aws),
        ]
    return [ok(BUCKET, text), *captured_images(config, aws)]


def captured_images(config: Config, aws: Aws) -> list[AccountFinding]:
    """Check that the bucket deletes captured images after `monitor.keep_days`; nothing where that isn't set."""
    days, prefix = config.monitor.keep_days, config.aws.prefix
    if days is None or not config.has_monitor:
        return []
    wanted = [f"{prefix}/{folder}/" for folder in CAPTURED_FOLDERS]
    name = config.aws.bucket
    try:
        rules = aws.client("s3").get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    except ClientError as fault:
        if error_code(fault) != "NoSuchLifecycleConfiguration":
            return [warning(CAPTURED, f"the lifecycle of {name} is unverified ({error_code(fault)})", "look it up")]
        rules = []
    missing = [folder for folder in wanted if not any(_expires(rule, folder, days) for rule in rules)]
    if not missing:
        return [ok(CAPTURED, f"deleted from {name} after {days} days at most")]
    rule = [
        {"ID": folder.strip("/").replace("/", "-"), "Status": "Enabled", "Filter": {"Prefix": folder}}
        | {"Expiration": {"Days": days}}
        for folder in missing
    ]
    return [
        warning(
            CAPTURED,
            f"monitor.keep_days is {days}, but {name} keeps {' and '.join(missing)} for longer",
            "add to the bucket's lifecycle, which put-bucket-lifecycle-configuration replaces as a whole: "
            + json.dumps({"Rules": rule}),
        )
    ]


def _expires(rule: dict[str, Any], folder: str, days: int) -> bool:
    """Tell whether a rule of a lifecycle deletes the objects of a folder in time; one with other filters doesn't."""
    where = rule.get("Filter", {"Prefix": rule.get("Prefix", "")})
    applies = set(where) <= {"Prefix"} and folder.startswith(where.get("Prefix", ""))
    return rule["Status"] == "Enabled" and applies and rule.get("Expiration", {}).get("Days", days + 1) <= days


def bucket_fault(aws: Aws, name: str, region: str, check: str, setting: str) -> AccountFinding | None:
    """Report what is wrong with a bucket; None when jobs in the region can use it."""
    try:
        answer = aws.client("s3").head_bucket(Bucket=name)
    except ClientError as fault:
        status = fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        headers = fault.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        where = headers.get("x-amz-bucket-region", region)
        if status in {301, 400} and where != region:
            return _elsewhere(name, where, region, check, setting)
        if status == 404:
            remedy = f"create it: aws s3 mb s3://{name} --region {region}"
            return error(check, f"{setting}: there is no bucket {name}", remedy)
        if status == 403:
            remedy = "bucket names are shared by all accounts: check that it is yours, and allow s3:ListBucket on it"
            return error(check, f"{setting}: these credentials may not use bucket {name}", remedy)
        raise
    where = answer.get("BucketRegion") or region
    return None if where == region else _elsewhere(name, where, region, check, setting)


def _elsewhere(name: str, where: str, region: str, check: str, setting: str) -> AccountFinding:
    remedy = f"use a bucket in {region}, or set aws.region to {where}"
    return error(check, f"{setting}: {name} is in {where}, the jobs are in {region}", remedy)


def bucket_encryption(s3: Any, name: str) -> tuple[str, str]:
    """How the bucket encrypts by default, and the customer's key if it is by one."""
    try:
        rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    except ClientError as fault:
        if error_code(fault) == "ServerSideEncryptionConfigurationNotFoundError":
            return "default encryption", ""
        return f"encryption unverified ({error_code(fault)})", ""
    default = rules[0].get("ApplyServerSideEncryptionByDefault", {}) if rules else {}
    return f"encrypted ({default.get('SSEAlgorithm', 'AES256')})", str(default.get("KMSMasterKeyID", ""))


def _versioning(s3: Any, name: str) -> str:
    try:
        status = s3.get_bucket_versioning(Bucket=name).get("Status")
    except ClientError as fault:
        return f"versioning unverified ({error_code(fault)})"
    return "versioned" if status == "Enabled" else "not versioned: a manifest that is overwritten is gone"


def input_key_finding(config: Config, aws: Aws, name: str) -> AccountFinding | None:
    """Report a customer managed key of an input bucket that the role's policy does not cover; None if there is none.

    Args:
        config: the configuration.
        aws: where it is asked.
        name: the bucket of labels or images.
    """
    if name == config.aws.bucket:
        return None  # its key is part of the bucket's own finding
    _, key = bucket_encryption(aws.client("s3"), name)
    known = [config.aws.kms_key or "", *config.aws.decrypt_keys]
    # An id and its ARN name the same key; for an alias nobody knows without asking KMS, so it counts as different.
    if not key or any(key.rsplit("/", 1)[-1] == other.rsplit("/", 1)[-1] for other in known if other):
        return None
    return warning(
        KEY,
        f"bucket {name} encrypts with {key}, which the jobs need to read from it",
        f"add it to aws.decrypt_keys: --set 'aws.decrypt_keys=[{key}]', then `groundloop doctor --policy role` allows "
        "it; the key's own policy has to allow the role too",
    )


def key(config: Config, aws: Aws) -> list[AccountFinding]:
    """Check that the configured key exists, is enabled and can encrypt."""
    name = config.aws.kms_key
    if not name:
        return [ok(KEY, "none is set: the bucket's own encryption holds")]
    try:
        described = aws.client("kms").describe_key(KeyId=name)["KeyMetadata"]
    except ClientError as fault:
        if error_code(fault) in {"NotFoundException", "InvalidArnException"}:
            return [
                error(KEY, f"aws.kms_key: {error_message(fault)}", "correct it: a key id, an ARN, or alias/... there")
            ]
        raise
    state, use, arn = described["KeyState"], described.get("KeyUsage", "ENCRYPT_DECRYPT"), described["Arn"]
    if state != "Enabled":
        return [error(KEY, f"aws.kms_key: {arn} is {state}", "enable it (aws kms enable-key), or name another")]
    if use != "ENCRYPT_DECRYPT":
        return [error(KEY, f"aws.kms_key: {arn} is for {use}", "name a symmetric key for encryption")]
    if arn.split(":")[3] != config.aws.region:
        return [error(KEY, f"aws.kms_key: {arn} is not in {config.aws.region}", "name a key in the jobs' region")]
    return [ok(KEY, f"{arn} is enabled")]
