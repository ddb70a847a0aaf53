"""S3 URIs, the error codes of missing objects and permissions, and reading single objects."""

from __future__ import annotations

from typing import Any

from groundloop.errors import UserError

SCHEME = "s3://"
#: Error codes of a missing object or bucket: HeadObject has no body and answers with the HTTP status only.
MISSING_CODES = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NotFound"})
#: Error codes of a refused permission.
FORBIDDEN_CODES = frozenset({"403", "AccessDenied", "Forbidden"})


def split_uri(uri: str) -> tuple[str, str]:
    """Split an S3 URI into bucket and key.

    The key is everything after the bucket's slash, unchanged: `?` and `#` are characters of a key.

    Example:
        >>> split_uri("s3://bucket/folder/image.jpg")
        ('bucket', 'folder/image.jpg')

    Raises:
        UserError: the text is not an S3 URI.
    """
    bucket, _, key = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or not bucket:
        raise UserError(f"{uri!r} is not an S3 URI: write it as s3://bucket/key")
    return bucket, key


def join_uri(prefix: str, name: str) -> str:
    """Append a relative name to an S3 prefix.

    Example:
        >>> join_uri("s3://bucket/folder/", "image.jpg")
        's3://bucket/folder/image.jpg'
    """
    return f"{prefix.rstrip('/')}/{name}"


def error_code(error: Any) -> str:
    """Return the error code of a botocore `ClientError`; empty when it carries none."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_missing(error: Any) -> bool:
    """Tell whether a botocore `ClientError` of S3 means that the object or its bucket does not exist."""
    return error_code(error) in MISSING_CODES


def is_forbidden(error: Any) -> bool:
    """Tell whether a botocore `ClientError` of S3 means that the caller lacks a permission."""
    return error_code(error) in FORBIDDEN_CODES


def object_exists(s3: Any, bucket: str, key: str) -> bool:
    """Return whether an object exists; an error of S3 other than that it is missing is raised."""
    from botocore.exceptions import ClientError

    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if is_missing(error):
            return False
        raise
    return True


def read_bytes(s3: Any, uri: str) -> bytes:
    """Read one object.

    Args:
        s3: a boto3 S3 client.
        uri: the object's S3 URI.

    Raises:
        UserError: there is no such object.
    """
    from botocore.exceptions import ClientError

    bucket, key = split_uri(uri)
    try:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if is_missing(error):
            raise UserError(f"{uri} does not exist in S3") from None
        raise
    return body


def read_json(s3: Any, uri: str) -> dict[str, Any]:
    """Read one object that holds a JSON object.

    Raises:
        UserError: there is no such object, or it holds something else.
    """
    import msgspec

    try:
        content = msgspec.json.decode(read_bytes(s3, uri))  # unlike json, it takes no half of a surrogate pair
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise UserError(f"{uri} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise UserError(f"{uri} holds no JSON object")
    return content
