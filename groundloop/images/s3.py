"""Images in S3."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from groundloop.aws import image_client
from groundloop.errors import UserError
from groundloop.images.access import ImageFault, ImageVersion, UnusableImageError, one_line
from groundloop.s3 import error_code, is_forbidden, is_missing, split_uri

_Answer = TypeVar("_Answer")


class S3Images:
    """Images in S3, through one client (boto3 clients are safe to share between threads).

    Args:
        region: AWS region; None takes the region of the environment.

    Raises:
        UserError: there are no credentials, or no such region.
    """

    def __init__(self, region: str | None = None) -> None:
        self._s3 = image_client(region)

    def size(self, source_ref: str) -> int:
        """Return the size of the encoded image in bytes."""
        return self.version(source_ref).size

    def version(self, source_ref: str) -> ImageVersion:
        """Return the size and the ETag of the image's object."""
        answer = self._ask(self._s3.head_object, source_ref)
        return ImageVersion(int(answer["ContentLength"]), answer["ETag"].strip('"'))

    def body(self, source_ref: str) -> bytes:
        """Return the encoded image."""
        return self._ask(self._read, source_ref)

    def _read(self, **place: str) -> bytes:
        body: bytes = self._s3.get_object(**place)["Body"].read()
        return body

    def _ask(self, operation: Callable[..., _Answer], source_ref: str) -> _Answer:
        from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

        bucket, key = split_uri(source_ref)
        try:
            return operation(Bucket=bucket, Key=key)
        except ClientError as error:
            raise _refusal(error, source_ref) from None
        except ParamValidationError as error:
            raise UnusableImageError(
                ImageFault.INVALID_URI, f"S3 does not allow such a bucket or key: {one_line(error)}"
            ) from None
        except BotoCoreError as error:
            raise UserError(f"S3 can't be reached to read {source_ref}: {one_line(error)}") from None


def _refusal(error: Any, source_ref: str) -> Exception:
    if is_missing(error):
        return UnusableImageError(ImageFault.MISSING, "the image is not in S3: upload it, or correct the source-ref")
    if is_forbidden(error):
        return UnusableImageError(
            ImageFault.FORBIDDEN,
            "S3 denies access to the image: allow s3:GetObject there (without s3:ListBucket, a missing image looks the "
            "same)",
        )
    message = error.response.get("Error", {}).get("Message", "no reason given")
    return UserError(f"S3 refuses access to {source_ref}: {error_code(error)}: {message}")
