"""Tags of the resources kept here."""

from __future__ import annotations

from typing import Any

from groundloop.local.api.paging import page


class Tags:
    """Tags by ARN. Adding a key replaces its value; an ARN of no resource of this server is left to moto."""

    def __init__(self) -> None:
        self._tags: dict[str, dict[str, str]] = {}

    def state(self) -> dict[str, Any]:
        """Return all tags as JSON values and times."""
        return {
            "tags": self._tags,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self._tags.update(state["tags"])

    def set(self, arn: str, request: dict[str, Any]) -> None:
        """Take the `Tags` of a Create* request."""
        self._tags[arn] = {tag["Key"]: tag["Value"] for tag in request.get("Tags") or []}

    def drop(self, arn: str) -> None:
        """Forget a deleted resource's tags."""
        self._tags.pop(arn, None)

    def of(self, arn: str) -> list[dict[str, str]]:
        """Return the tags of a resource as the API lists them."""
        return [{"Key": key, "Value": value} for key, value in self._tags.get(arn, {}).items()]

    def add_tags(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Add tags to a resource of this server; None for any other resource."""
        arn = request["ResourceArn"]
        if arn not in self._tags:
            return None
        self._tags[arn].update({tag["Key"]: tag["Value"] for tag in request["Tags"]})
        return {"Tags": self.of(arn)}

    def list_tags(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """List the tags of a resource of this server; None for any other resource."""
        if request["ResourceArn"] not in self._tags:
            return None
        return page(self.of(request["ResourceArn"]), request, "Tags", default=50)

    def delete_tags(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Remove tags from a resource of this server; None for any other resource."""
        kept = self._tags.get(request["ResourceArn"])
        if kept is None:
            return None
        for key in request["TagKeys"]:
            kept.pop(key, None)
        return {}
