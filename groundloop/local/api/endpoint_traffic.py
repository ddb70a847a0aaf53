"""Requests to an endpoint: the variant that gets one, the limits of its size, the errors of the model."""

from __future__ import annotations

import random
from collections.abc import Sequence

from groundloop.local.api.endpoint import Variant
from groundloop.local.context import random_id
from groundloop.local.errors import ApiError
from groundloop.spec.payloads import MAX_REAL_TIME_BYTES, MAX_SERVERLESS_BYTES


def chosen_variant(endpoint: str, variants: Sequence[Variant], target: str | None) -> Variant:
    """Return the variant that a request names, else one by their weights.

    Args:
        endpoint: its name.
        variants: those in service.
        target: name of the variant, if the request has one.

    Raises:
        ApiError: ValidationError, when the endpoint has no such variant.
    """
    if not target:
        weights = [variant.weight for variant in variants]
        return random.choices(variants, weights if any(weights) else None)[0]  # noqa: S311 (traffic, no secret)
    for variant in variants:
        if variant.name == target:
            return variant
    raise ApiError("ValidationError", f"Variant {target} not found for endpoint {endpoint}.")


def check_size(variant: Variant, body: bytes) -> None:
    """Reject a request that is too large, with the errors that users have quoted from AWS.

    Raises:
        ApiError: ValidationError from a serverless endpoint, 413 from any other.
    """
    if variant.described.get("ServerlessConfig"):
        if len(body) > MAX_SERVERLESS_BYTES:
            raise ApiError("ValidationError", f"Request {random_id(32)} has oversize body.")
    elif len(body) > MAX_REAL_TIME_BYTES:
        raise ApiError("413", f"HTTP content length exceeded {MAX_REAL_TIME_BYTES} bytes.", 413)


def model_error(variant: Variant, status: int, original: str) -> ApiError:
    """Return the error for an invocation that the model's container answered with one."""
    side = "client" if status < 500 else "server"
    log = variant.server.log
    message = f'Received {side} error ({status}) from {variant.name} with message "{original}". See {log} for more.'
    details = {"OriginalStatusCode": status, "OriginalMessage": original, "LogStreamArn": str(log)}
    return ApiError("ModelError", message, 424, details)
