"""Workteams: the people who get the tasks of labelling jobs and human loops.

There is no Cognito and no identity provider offline: each group of a workteam's member definitions stands for one
person, whom the portal invites by the group's name.
"""

from __future__ import annotations

from typing import Any

from groundloop.local.api.paging import in_order, page
from groundloop.local.api.portal import PortalHost
from groundloop.local.api.tags import Tags
from groundloop.local.context import Context, now
from groundloop.local.errors import in_use, invalid
from groundloop.spec.labeling_jobs import is_public_workteam

#: What the portal's page shows of a person's name.
MAX_NAME = 40
_MEMBERS = ("WorkteamName", "MemberDefinitions", "Description", "NotificationConfiguration")


def members_of(definitions: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return the names of the people that a workteam's member definitions stand for, each once."""
    groups = [
        group
        for definition in definitions
        for group in (
            [definition["CognitoMemberDefinition"]["UserGroup"]]
            if definition.get("CognitoMemberDefinition")
            else (definition.get("OidcMemberDefinition") or {}).get("Groups") or []
        )
    ]
    return tuple(dict.fromkeys(groups))


class Workteams:
    """All workteams of one offline AWS."""

    def __init__(self, context: Context, tags: Tags, portal: PortalHost) -> None:
        self._context, self._tags, self._portal = context, tags, portal
        self._teams: dict[str, dict[str, Any]] = {}

    def state(self) -> dict[str, Any]:
        """Return all workteams as JSON values and times."""
        return {"teams": self._teams}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned, and open the portal again."""
        self._teams.update(state["teams"])
        for team in self._teams.values():
            self._portal.open().add_team(team["WorkteamName"], members_of(team["MemberDefinitions"]))

    def check(self, arn: str) -> None:
        """Check that an ARN is that of a workteam here.

        Raises:
            ApiError: ValidationException, if it is not.
        """
        if is_public_workteam(arn):
            raise invalid("The public workforce (Amazon Mechanical Turk) is not played offline: create a workteam.")
        if ":workteam/vendor-crowd/" in arn:
            raise invalid("Vendors' workteams are not played offline: create a workteam.")
        if not any(team["WorkteamArn"] == arn for team in self._teams.values()):
            raise invalid(f"Could not find workteam {arn}.")

    def members(self, arn: str) -> tuple[str, ...]:
        """Return the members of a workteam that `check` has found."""
        return next(members_of(one["MemberDefinitions"]) for one in self._teams.values() if one["WorkteamArn"] == arn)

    def _team(self, name: str) -> dict[str, Any]:
        try:
            return self._teams[name]
        except KeyError:
            raise invalid(f"Could not find workteam {name!r}.") from None

    def create_workteam(self, request: dict[str, Any]) -> dict[str, Any]:
        """Create a workteam, whose page in the portal its `SubDomain` names."""
        name = request["WorkteamName"]
        kinds = [
            [kind for kind, value in definition.items() if value is not None]
            for definition in request["MemberDefinitions"]
        ]
        if len(kinds[0]) != 1 or any(kind != kinds[0] for kind in kinds):
            raise invalid("MemberDefinitions need either a CognitoMemberDefinition or an OidcMemberDefinition each.")
        members = members_of(request["MemberDefinitions"])
        if not members:
            raise invalid("An OidcMemberDefinition needs Groups.")
        if long := [member for member in members if len(member) > MAX_NAME]:
            raise invalid(f"The worker portal of the offline AWS takes names of up to {MAX_NAME} characters: {long[0]}")
        with self._context.lock:
            if name in self._teams:
                raise in_use(f"Workteam name {name} is already in use.")
            arn = self._context.arn(f"workteam/private-crowd/{name}")
            created = now()
            self._teams[name] = {
                **{member: request.get(member) for member in _MEMBERS},
                "WorkteamArn": arn,
                "WorkforceArn": self._context.arn(f"workforce/{request.get('WorkforceName', 'default')}"),
                "CreateDate": created,
                "LastUpdatedDate": created,
            }
            self._tags.set(arn, request)
        self._portal.open().add_team(name, members)
        return {"WorkteamArn": arn}

    def _described(self, team: dict[str, Any]) -> dict[str, Any]:
        return {**team, "SubDomain": self._portal.open().team_url(team["WorkteamName"])}

    def describe_workteam(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a workteam, with the address of its page in the portal."""
        return {"Workteam": self._described(self._team(request["WorkteamName"]))}

    def list_workteams(self, request: dict[str, Any]) -> dict[str, Any]:
        """List workteams by name and creation time."""
        found = [team for name, team in self._teams.items() if request.get("NameContains", "") in name]
        keys = {"CreateDate": lambda team: team["CreateDate"], "Name": lambda team: team["WorkteamName"]}
        listed = [self._described(team) for team in in_order(found, request, keys, "Ascending")]
        return page(listed, request, "Workteams", default=10)

    def delete_workteam(self, request: dict[str, Any]) -> dict[str, Any]:
        """Delete a workteam that has no work left."""
        team = self._teams.get(request["WorkteamName"])
        if team is None:
            return {"Success": False}
        if work := self._portal.open().work_of(team["WorkteamName"]):
            raise in_use(f"Workteam {team['WorkteamName']} has work in progress: {', '.join(work)}.")
        del self._teams[team["WorkteamName"]]
        self._tags.drop(team["WorkteamArn"])
        self._portal.open().remove_team(team["WorkteamName"])
        return {"Success": True}
