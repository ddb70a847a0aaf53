"""The requests to CVAT's API that are needed, and their responses as far as they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import msgspec

from groundloop.errors import UserError
from groundloop.review.exchange.http import RejectedRequestError, ToolServer, UploadedFile, version_of

TOOL = "CVAT"
TOKEN_VARIABLE = "CVAT_ACCESS_TOKEN"  # noqa: S105 - the name of the variable
#: The oldest release whose API has all that is used here: requests, and replicas of jobs.
MIN_VERSION = (2, 30)
PAGE_SIZE = 100
#: A list has no more pages than this; a server that sends more goes round in circles.
_MAX_PAGES = 10_000
#: Characters of a label's name.
MAX_LABEL_NAME = 64
IMAGE_QUALITY = 95

_Item = TypeVar("_Item")


class About(msgspec.Struct):
    """The release of the server."""

    version: str


class User(msgspec.Struct):
    """A user, as others see them."""

    id: int
    username: str


class RemoteTask(msgspec.Struct):
    """A task; its size is the number of frames, 0 before it has data."""

    id: int
    name: str
    size: int = 0


class Page(msgspec.Struct):
    """A page of a list; `next` is the next page's address."""

    results: list[msgspec.Raw]
    next: str | None = None


class Label(msgspec.Struct):
    """A label."""

    id: int
    name: str


class Frame(msgspec.Struct):
    """An image of a task."""

    name: str
    width: int = 0
    height: int = 0


class Meta(msgspec.Struct):
    """The frames of a task."""

    frames: list[Frame] | None = None
    deleted_frames: list[int] = []


class Job(msgspec.Struct):
    """A job: a range of a task's frames for one person.

    Attributes:
        type: `annotation`; `replica`: one of several people's copies of it; `ground_truth`: of CVAT's own checks.
        parent_job_id: of which job it is a replica.
    """

    id: int
    start_frame: int
    stop_frame: int
    type: str = "annotation"
    stage: str = "annotation"
    state: str = "new"
    assignee: User | None = None
    updated_date: datetime | None = None
    parent_job_id: int | None = None

    @property
    def finished(self) -> bool:
        """Whether its annotations are meant to be final."""
        return self.stage == "acceptance" or self.state == "completed"


class Shape(msgspec.Struct):
    """A shape on a frame; of a rectangle the points are left, top, right, bottom."""

    type: str
    frame: int
    label_id: int
    points: list[float] = []
    rotation: float = 0.0


class Annotations(msgspec.Struct):
    """The annotations of a job."""

    shapes: list[Shape] = []
    tracks: list[msgspec.Raw] = []
    tags: list[msgspec.Raw] = []


class BackgroundRequest(msgspec.Struct):
    """Something that the server does in the background."""

    id: str
    status: str
    message: str = ""


class Started(msgspec.Struct):
    """The reply to what starts a background request."""

    rq_id: str


class CloudStorage(msgspec.Struct):
    """A bucket that the server reads."""

    id: int
    resource: str
    provider_type: str


class Cvat:
    """A CVAT server.

    Args:
        server: its address.
        token: personal access token.
        organization: short name of the organisation whose tasks these are; None: the user's own.

    Raises:
        UserError: it is another server, too old, or refuses the token.
    """

    def __init__(self, server: ToolServer, token: str, organization: str | None = None) -> None:
        self.server = server
        # CVAT's own media type, by which it tells versions of the API; it has no renderer for plain JSON.
        server.headers["Accept"] = "application/vnd.cvat+json"
        release = server.release("/api/server/about", About).version
        if version_of(release) < MIN_VERSION:
            raise UserError(
                f"{server.url} is CVAT {release}; at least {'.'.join(map(str, MIN_VERSION))} is needed: update it"
            )
        server.headers["Authorization"] = f"Bearer {token}"
        if organization:
            server.headers["X-Organization"] = organization
        server.get("/api/users/self", User)

    def task(self, number: int) -> RemoteTask | None:
        """Return a task; None when it is gone."""
        try:
            return self.server.get(f"/api/tasks/{number}", RemoteTask)
        except RejectedRequestError as error:
            if error.status == 404:
                return None
            raise

    def task_named(self, name: str) -> RemoteTask | None:
        """Return the task of a name; None where there is none."""
        return next((task for task in self._all("/api/tasks", RemoteTask, name=name) if task.name == name), None)

    def create_task(self, content: Mapping[str, object]) -> RemoteTask:
        """Create a task without data."""
        return self.server.post("/api/tasks", RemoteTask, content)

    def delete_task(self, number: int) -> None:
        """Delete a task with all that it holds; one that is gone already is fine."""
        try:
            self.server.send("DELETE", f"/api/tasks/{number}", type(None))
        except RejectedRequestError as error:
            if error.status != 404:
                raise

    def attach(self, task: int, data: Mapping[str, object], *, uploaded: bool) -> str:
        """Give a task its images, those that were uploaded or of a bucket; return the id of the background request."""
        headers = {"Upload-Finish": "true"} if uploaded else {}
        return self.server.post(f"/api/tasks/{task}/data/", Started, data, headers).rq_id

    def begin_upload(self, task: int) -> None:
        """Announce files."""
        self.server.post(f"/api/tasks/{task}/data/", type(None), headers={"Upload-Start": "true"})

    def upload(self, task: int, files: Sequence[UploadedFile]) -> None:
        """Upload files of a task."""
        fields = {"image_quality": str(IMAGE_QUALITY)}
        self.server.upload(f"/api/tasks/{task}/data/", type(None), files, fields, {"Upload-Multiple": "true"})

    def creation(self, task: int) -> BackgroundRequest | None:
        """Return the background request that gives a task its data; None where there is none (any more)."""
        found = self._all("/api/requests", BackgroundRequest, task_id=task, action="create", target="task")
        return found[0] if found else None

    def request(self, number: str) -> BackgroundRequest:
        """Return a background request."""
        return self.server.get(f"/api/requests/{quote(number, safe='')}", BackgroundRequest)

    def meta(self, task: int) -> Meta:
        """Return the frames of a task."""
        return self.server.get(f"/api/tasks/{task}/data/meta", Meta)

    def labels(self, task: int) -> list[Label]:
        """Return the labels of a task."""
        return self._all("/api/labels", Label, task_id=task)

    def jobs(self, task: int) -> list[Job]:
        """Return the jobs of a task."""
        return self._all("/api/jobs", Job, task_id=task)

    def annotations(self, job: int) -> Annotations:
        """Return what is on the frames of a job."""
        return self.server.get(f"/api/jobs/{job}/annotations/", Annotations)

    def put_annotations(self, job: int, content: Mapping[str, object]) -> None:
        """Replace what is on the frames of a job."""
        self.server.send("PUT", f"/api/jobs/{job}/annotations/", type(None), msgspec.json.encode(content))

    def cloud_storage(self, number: int) -> CloudStorage:
        """Return a bucket that is registered in CVAT."""
        return self.server.get(f"/api/cloudstorages/{number}", CloudStorage)

    def _all(self, path: str, type_: type[_Item], **query: object) -> list[_Item]:
        items: list[_Item] = []
        for number in range(1, _MAX_PAGES):
            page = self.server.get(path, Page, **query, page=number, page_size=PAGE_SIZE)
            try:
                items += [msgspec.json.decode(item, type=type_) for item in page.results]
            except msgspec.DecodeError as error:
                raise UserError(
                    f"{self.server.url} does not answer GET {path} as CVAT does ({error}): check --url and the "
                    "server's version"
                ) from None
            if page.next is None:
                break
        return items
