"""Pushing a queue to another tool and pulling it back, by the tool's name."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from groundloop.errors import UserError
from groundloop.images.access import Images
from groundloop.review.exchange.collecting import collect
from groundloop.review.exchange.cvat import api as cvat_api
from groundloop.review.exchange.cvat.pull import cvat_work
from groundloop.review.exchange.cvat.push import CvatLink, push_to_cvat
from groundloop.review.exchange.http import ToolServer, Transport, repeated
from groundloop.review.exchange.label_studio import api as label_studio_api
from groundloop.review.exchange.label_studio.pull import label_studio_work
from groundloop.review.exchange.label_studio.push import LabelStudioLink, push_to_label_studio
from groundloop.review.exchange.link import Link, link_file, locked, read_link, url_of
from groundloop.review.exchange.pulled import Pulled
from groundloop.review.exchange.tasks import Pushed, UploadedImages
from groundloop.review.queue import Queue

_Link = TypeVar("_Link", bound=Link)


class Tool(str, Enum):
    """A tool that queues are pushed to; its value is also the name of the link's file."""

    LABEL_STUDIO = "label-studio"
    CVAT = "cvat"


@dataclass(frozen=True, slots=True)
class Connection:
    """How a tool is reached.

    Attributes:
        url: of its server; None takes that of the last push.
        organization: CVAT's short name of one; None: the user's own tasks, or that of the last push.
        transport: sends the requests; None takes real connections.
        pause: waits some seconds.
    """

    url: str | None = None
    organization: str | None = None
    transport: Transport | None = None
    pause: Callable[[float], None] = time.sleep


def push(
    queue: Queue,
    tool: Tool,
    connection: Connection,
    *,
    upload: bool = False,
    cloud_storage: int | None = None,
    images: Images | None = None,
) -> Pushed:
    """Push the images of a queue that need an answer and aren't in the tool yet.

    It can be interrupted anywhere and called again: nothing is there twice.

    Args:
        upload: whether images in S3 are uploaded; otherwise the tool reads them itself. Files always are.
        cloud_storage: id in CVAT of the bucket with the images.
        images: reads those that are uploaded; None takes the place that the queue names.

    Raises:
        UserError: the tool can't be reached, refuses the token, or can't take the images.
    """
    path = link_file(queue.database.path.parent, tool.value)
    reader = UploadedImages(queue.info, images)

    def push_to_studio() -> Pushed:
        link = _alive(queue, tool, read_link(path, LabelStudioLink))
        studio = _label_studio(connection, url_of(path, link, connection.url))
        return push_to_label_studio(queue, studio, link, path, reader, upload=upload)

    def push_tasks() -> Pushed:
        link = _alive(queue, tool, read_link(path, CvatLink))
        organization = link.organization if link else connection.organization
        cvat = _cvat(connection, url_of(path, link, connection.url), organization)
        return push_to_cvat(
            queue, cvat, link, path, reader, upload=upload, cloud_storage=cloud_storage, organization=organization
        )

    with locked(path):
        return repeated(push_to_studio if tool is Tool.LABEL_STUDIO else push_tasks, connection.pause)


def pull(queue: Queue, tool: Tool, connection: Connection, *, cleanup: bool = False) -> Pulled:
    """Store the work that is finished in the tool as answers of the queue; each is stored once.

    Args:
        cleanup: whether the project or tasks are deleted there, once all is finished and stored.

    Raises:
        UserError: the queue was not pushed there, the tool can't be read, or something isn't finished for `cleanup`.
    """
    path = link_file(queue.database.path.parent, tool.value)
    with locked(path):
        if tool is Tool.LABEL_STUDIO:
            project = read_link(path, LabelStudioLink)
            if project is None or project.project is None:
                raise _not_pushed(queue, tool)
            studio = _label_studio(connection, url_of(path, project, connection.url))
            number = project.project
            return collect(
                queue,
                project,
                path,
                lambda: label_studio_work(queue, studio, project),
                lambda: studio.delete_project(number),
                cleanup=cleanup,
            )
        tasks = read_link(path, CvatLink)
        if tasks is None:
            raise _not_pushed(queue, tool)
        cvat = _cvat(connection, url_of(path, tasks, connection.url), tasks.organization)

        def delete() -> None:
            for batch in tasks.batches:
                if batch.task is not None:
                    cvat.delete_task(batch.task)

        return collect(queue, tasks, path, lambda: cvat_work(queue, cvat, tasks), delete, cleanup=cleanup)


def _alive(queue: Queue, tool: Tool, link: _Link | None) -> _Link | None:
    if link is not None and link.deleting:
        raise UserError(
            f"{queue.info.name} is being deleted in {tool.value}: "
            f"groundloop review pull {queue.info.name} {tool.value} --cleanup ends that"
        )
    return link


def _not_pushed(queue: Queue, tool: Tool) -> UserError:
    return UserError(
        f"{queue.info.name} was not pushed to {tool.value}: "
        f"groundloop review push {queue.info.name} {tool.value} --url URL"
    )


def _label_studio(connection: Connection, url: str) -> label_studio_api.LabelStudio:
    variable = label_studio_api.TOKEN_VARIABLE
    server = ToolServer(label_studio_api.TOOL, url, variable, connection.transport, connection.pause)
    return label_studio_api.LabelStudio(server, _token(variable, "Account & Settings, Personal Access Token"))


def _cvat(connection: Connection, url: str, organization: str | None) -> cvat_api.Cvat:
    variable = cvat_api.TOKEN_VARIABLE
    server = ToolServer(cvat_api.TOOL, url, variable, connection.transport, connection.pause)
    return cvat_api.Cvat(server, _token(variable, "Profile, Security, API tokens"), organization)


def _token(variable: str, where: str) -> str:
    """Return a token of the environment: a command line is visible to other users of the machine."""
    token = os.environ.get(variable, "").strip()
    if not token:
        raise UserError(f"set {variable} to a token: the tool shows one under {where}")
    if not token.isprintable() or not token.isascii() or " " in token:
        raise UserError(f"{variable} is not a token: it has characters that no token has")
    return token
