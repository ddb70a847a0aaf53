"""Lists as the API returns them: filtered, sorted, in pages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from typing import Any, TypeVar

from groundloop.local.errors import invalid

Item = TypeVar("Item")


def page(items: list[Any], request: dict[str, Any], key: str, default: int = 100) -> dict[str, Any]:
    """Return one page of a list under `key`, with the NextToken of the following one."""
    start = 0
    if token := request.get("NextToken"):
        try:
            start = int(base64.urlsafe_b64decode(token.encode()).decode())
        except (ValueError, binascii.Error) as error:
            raise invalid("Invalid pagination token.") from error
    end = start + (request.get("MaxResults") or default)
    following = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(items) else None
    return {key: items[start:end], "NextToken": following}


def in_order(
    items: Iterable[Item], request: dict[str, Any], keys: dict[str, Callable[[Item], Any]], default: str
) -> list[Item]:
    """Sort items by `SortBy` (default: the first of `keys`) and `SortOrder` (default: `default`)."""
    by = request.get("SortBy") or next(iter(keys))
    key = keys.get(by, next(iter(keys.values())))
    return sorted(items, key=key, reverse=(request.get("SortOrder") or default) == "Descending")


def within(request: dict[str, Any], moment: datetime, after: str, before: str) -> bool:
    """Whether a time lies between the request's bounds, which JSON carries as seconds since 1970."""

    def bound(name: str) -> datetime | None:
        value = request.get(name)
        return None if value is None else datetime.fromtimestamp(float(value), timezone.utc)

    first, last = bound(after), bound(before)
    return (first is None or moment > first) and (last is None or moment < last)
