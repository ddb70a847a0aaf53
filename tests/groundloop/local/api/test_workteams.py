"""Workteams are the people of the worker portal, whose page for them is their SubDomain."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from tests.groundloop.local.api.conftest import Member

COGNITO = {"UserPool": "us-east-1_abc", "ClientId": "client"}


def page_at(url: str, path: str | None = None, host: str | None = None) -> tuple[int, str]:
    """Return status and text of a page of the portal, requested as a browser does by a link in a terminal."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request("GET", path or parts.path, headers={"Host": host or parts.netloc})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_the_page_of_a_workteam_says_that_it_is_a_stand_in_and_links_each_member_to_the_open_work(
    sm: Any, create_job: Callable[..., str], new_team: Callable[..., str], portal: str, images: Sequence[str]
) -> None:
    team = new_team("ann", "bob")
    done = create_job([{"source-ref": images[0]}], task={"WorkteamArn": team})
    job = create_job(task={"WorkteamArn": team})
    name = team.rpartition("/")[2]
    url = sm.describe_workteam(WorkteamName=name)["Workteam"]["SubDomain"]
    assert url == f"{portal}/workteams/{name}/"
    Member(portal, "labeling-jobs", done, "ann").submit()
    status, text = page_at(url)
    assert status == 200
    assert "Worker portal of the offline AWS" in text
    assert f"labelling job {job}, 3 to do" in text
    for member in ("ann", "bob"):
        assert f'href="/enter/labeling-jobs/{job}/{member}"' in text
    assert done not in text
    assert {"Workteam people", f"Workteam {name}"} <= set(re.findall(r"Workteam [\w-]+", page_at(portal, "/")[1]))


def test_only_members_and_only_pages_of_this_machine_are_let_in(
    sm: Any, create_job: Callable[..., str], portal: str
) -> None:
    job = create_job()
    assert page_at(portal, f"/enter/labeling-jobs/{job}/dora")[0] == 404
    assert page_at(portal, "/enter/labeling-jobs/none/ann")[0] == 404
    assert page_at(portal, "/workteams/none/")[0] == 404
    for path in ("/", f"/enter/labeling-jobs/{job}/ann", f"/labeling-jobs/{job}/queue"):
        assert page_at(portal, path, host="evil.example:80")[0] == 403
    assert page_at(portal, f"/labeling-jobs/{job}/queue")[0] == 401
    assert page_at(portal, f"/labeling-jobs/{job}")[0] == 307


def test_members_are_the_groups_of_their_definitions(sm: Any, unique: Callable[[str], str]) -> None:
    name = unique("team")
    definitions = [
        {"CognitoMemberDefinition": {**COGNITO, "UserGroup": group}} for group in ("ann", "山田/花子", "ann")
    ]
    created = sm.create_workteam(WorkteamName=name, Description="people", MemberDefinitions=definitions)
    assert created["WorkteamArn"].endswith(f":workteam/private-crowd/{name}")
    described = sm.describe_workteam(WorkteamName=name)["Workteam"]
    assert described["MemberDefinitions"] == definitions
    status, text = page_at(described["SubDomain"])
    assert status == 200
    assert text.count("<h3>") == 2
    assert "<h3>山田/花子</h3>" in text


def test_a_members_name_may_hold_any_character(
    create_job: Callable[..., str], new_team: Callable[..., str], portal: str
) -> None:
    job = create_job(task={"WorkteamArn": new_team("山田/花子")})
    assert Member(portal, "labeling-jobs", job, "山田/花子").get("/queue")["reviewer"] == "山田/花子"


@pytest.mark.parametrize(
    ("definitions", "message"),
    [
        pytest.param([{}], "need either", id="none"),
        pytest.param(
            [
                {"CognitoMemberDefinition": {**COGNITO, "UserGroup": "ann"}},
                {"OidcMemberDefinition": {"Groups": ["bob"]}},
            ],
            "need either",
            id="mixed",
        ),
        pytest.param([{"OidcMemberDefinition": {}}], "needs Groups", id="no groups"),
        pytest.param([{"OidcMemberDefinition": {"Groups": ["a" * 41]}}], "up to 40 characters", id="long name"),
    ],
)
def test_member_definitions_name_people(
    sm: Any, unique: Callable[[str], str], definitions: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        sm.create_workteam(WorkteamName=unique("team"), Description="people", MemberDefinitions=definitions)


def test_workteams_are_listed_and_deleted_when_their_work_is_done(
    sm: Any, create_job: Callable[..., str], new_team: Callable[..., str]
) -> None:
    team = new_team("ann")
    name = team.rpartition("/")[2]
    listed = sm.list_workteams(NameContains=name)["Workteams"]
    assert [one["WorkteamArn"] for one in listed] == [team]
    with pytest.raises(ClientError, match="already in use") as raised:
        sm.create_workteam(WorkteamName=name, Description="x", MemberDefinitions=listed[0]["MemberDefinitions"])
    assert raised.value.response["Error"]["Code"] == "ResourceInUse"
    job = create_job(task={"WorkteamArn": team})
    with pytest.raises(ClientError, match=f"labeling job {job}"):
        sm.delete_workteam(WorkteamName=name)
    sm.stop_labeling_job(LabelingJobName=job)
    sm.describe_labeling_job(LabelingJobName=job)
    assert sm.delete_workteam(WorkteamName=name)["Success"] is True
    with pytest.raises(ClientError, match="Could not find workteam"):
        sm.describe_workteam(WorkteamName=name)
    assert sm.delete_workteam(WorkteamName=name)["Success"] is False
