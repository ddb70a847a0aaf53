"""The requests to Label Studio's API that are needed, and their responses as far as they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from groundloop.errors import UserError
from groundloop.review.exchange.http import AGAIN, RejectedRequestError, ToolServer, UploadedFile, version_of

TOOL = "Label Studio"
TOKEN_VARIABLE = "LABEL_STUDIO_API_KEY"  # noqa: S105 - the name of the variable
#: The oldest release whose API has all that is used here.
MIN_VERSION = (1, 13)
PAGE_SIZE = 100
#: A list has no more pages than this; a server that sends more goes round in circles.
_MAX_PAGES = 10_000
#: Seconds between two looks at an import in the background, and how many looks.
_POLL_SECONDS = 2.0
_MAX_POLLS = 300
#: Parts of a JSON Web Token: a personal access token is one, a legacy token is not.
_JWT_DOTS = 2


class Version(msgspec.Struct):
    """The release of the server."""

    release: str


class AccessToken(msgspec.Struct):
    """What a personal access token is exchanged for; it holds for some minutes."""

    access: str


class ControlTag(msgspec.Struct):
    """A tag of the labelling interface, such as `RectangleLabels`."""

    type: str
    labels: list[str] = []


class Project(msgspec.Struct):
    """A project."""

    id: int
    description: str | None = None
    parsed_label_config: dict[str, ControlTag] = {}


class Projects(msgspec.Struct):
    """A page of projects."""

    results: list[Project]
    next: str | None = None


class Storage(msgspec.Struct):
    """A connection of a project with a bucket."""

    id: int
    bucket: str | None = None
    prefix: str | None = None


class FileUpload(msgspec.Struct):
    """An uploaded file; `file` is its path below `/data/`."""

    id: int
    file: str


class Imported(msgspec.Struct):
    """The reply to an import; the Enterprise edition imports later and gives the import's number only."""

    task_count: int | None = None
    number: int | None = msgspec.field(default=None, name="import")


class BackgroundImport(msgspec.Struct):
    """An import in the background."""

    status: str
    error: str | None = None


class Region(msgspec.Struct):
    """A region of an annotation, or something else that an annotation has."""

    type: str
    id: str = ""
    value: dict[str, Any] = {}
    original_width: float | None = None
    original_height: float | None = None
    image_rotation: float | None = None


class Annotation(msgspec.Struct):
    """One person's annotation of a task."""

    id: int
    result: list[Region]
    created_at: datetime
    updated_at: datetime
    completed_by: int | None = None
    was_cancelled: bool = False
    lead_time: float | None = None


class RemoteTask(msgspec.Struct):
    """A task; `data` is what it was made with, drafts are what people have begun."""

    id: int
    data: dict[str, Any]
    annotations: list[Annotation] = []
    drafts: list[Any] = []


class TaskPage(msgspec.Struct):
    """A page of tasks."""

    tasks: list[RemoteTask]
    total: int


class User(msgspec.Struct):
    """A member of the organisation."""

    id: int
    email: str = ""


class LabelStudio:
    """A Label Studio server.

    Args:
        server: its address.
        token: legacy token, or personal access token.

    Raises:
        UserError: it is another server, too old, or refuses the token.
    """

    def __init__(self, server: ToolServer, token: str) -> None:
        self.server = server
        self._token = token
        release = server.release("/api/version", Version).release
        if version_of(release) < MIN_VERSION:
            raise UserError(
                f"{server.url} is Label Studio {release}; at least {'.'.join(map(str, MIN_VERSION))} is needed: update "
                "it"
            )
        self.sign_in()

    def sign_in(self) -> None:
        """Use the token from now on; a personal access token is exchanged for one that holds for some minutes."""
        if self._token.count(".") != _JWT_DOTS:
            self.server.headers["Authorization"] = f"Token {self._token}"
            return
        self.server.renew = None
        self.server.headers.pop("Authorization", None)
        access = self.server.post("/api/token/refresh/", AccessToken, {"refresh": self._token}).access
        self.server.headers["Authorization"] = f"Bearer {access}"
        self.server.renew = self.sign_in

    def project(self, number: int) -> Project | None:
        """Return a project; None when it is gone."""
        try:
            return self.server.get(f"/api/projects/{number}/", Project)
        except RejectedRequestError as error:
            if error.status == 404:
                return None
            raise

    def project_with(self, key: str, title: str) -> Project | None:
        """Return the project whose description has the key; None where there is none."""
        for number in range(1, _MAX_PAGES):
            page = self.server.get("/api/projects/", Projects, title=title, page=number, page_size=PAGE_SIZE)
            for project in page.results:
                if key in (project.description or ""):
                    return project
            if page.next is None:
                break
        return None

    def create_project(self, content: Mapping[str, object]) -> Project:
        """Create a project."""
        return self.server.post("/api/projects/", Project, content)

    def delete_project(self, number: int) -> None:
        """Delete a project with all that it holds; one that is gone already is fine."""
        try:
            self.server.send("DELETE", f"/api/projects/{number}/", type(None))
        except RejectedRequestError as error:
            if error.status != 404:
                raise

    def s3_storage(self, project: int, bucket: str) -> Storage | None:
        """Return the project's connection with a bucket; None where there is none."""
        storages = self.server.get("/api/storages/s3/", list[Storage], project=project)
        return next((storage for storage in storages if storage.bucket == bucket), None)

    def create_s3_storage(self, content: Mapping[str, object]) -> Storage:
        """Connect a project with a bucket."""
        return self.server.post("/api/storages/s3/", Storage, content)

    def uploads(self, project: int) -> list[FileUpload]:
        """Return the files that were uploaded to a project."""
        return self.server.get(f"/api/projects/{project}/file-uploads", list[FileUpload], all="true")

    def upload(self, project: int, files: Sequence[UploadedFile]) -> None:
        """Upload files without making tasks of them."""
        path = f"/api/projects/{project}/import?commit_to_project=false"
        self._wait(project, self.server.upload(path, Imported, files))

    def import_tasks(self, project: int, tasks: Sequence[Mapping[str, object]]) -> None:
        """Make tasks, and wait until they are there.

        Raises:
            UserError: the server does not make them.
        """
        self._wait(project, self.server.post(f"/api/projects/{project}/import", Imported, tasks))

    def _wait(self, project: int, imported: Imported) -> None:
        if imported.number is None:
            return
        for _ in range(_MAX_POLLS):
            state = self.server.get(f"/api/projects/{project}/imports/{imported.number}/", BackgroundImport)
            if state.status == "completed":
                return
            if state.status == "failed":
                raise UserError(f"Label Studio at {self.server.url} could not import tasks: {state.error}; {AGAIN}")
            self.server.pause(_POLL_SECONDS)
        raise UserError(f"Label Studio at {self.server.url} is still importing tasks; {AGAIN}")

    def tasks(self, project: int, *, annotations: bool) -> Iterator[RemoteTask]:
        """Yield a project's tasks, with their annotations and drafts if asked for."""
        fields = {"fields": "all"} if annotations else {}
        done = 0
        for number in range(1, _MAX_PAGES):
            # Names of images stay as they were pushed; resolved ones would be links that expire.
            page = self.server.get(
                "/api/tasks/",
                TaskPage,
                project=project,
                page=number,
                page_size=PAGE_SIZE,
                resolve_uri="false",
                **fields,
            )
            yield from page.tasks
            done += len(page.tasks)
            if done >= page.total or not page.tasks:
                return

    def emails(self) -> dict[int, str]:
        """Return the members' e-mail addresses by their ids."""
        return {user.id: user.email for user in self.server.get("/api/users/", list[User])}
