"""The portal's web application: the people of a workteam find their queues here, each with groundloop's review page."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import jinja2
import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from groundloop.local.portal.rooms import Kind, Room, Rooms
from groundloop.review.guard import MAX_BODY_BYTES, Guard, Origins, problem_response
from groundloop.review.problems import Problem
from groundloop.review.server import PAGE, review_app
from groundloop.web_app import error_response, received

_FOLDER = Path(__file__).parent
_QUEUE = re.compile(rf"(/(?:{'|'.join(kind.value for kind in Kind)})/[^/]+)(/.*)?")
_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
)


class _TaskOfAnswer(msgspec.Struct):
    task: int


class Site:
    """The ASGI application: the portal's own pages, and below each queue's path the application of its page."""

    def __init__(self, rooms: Rooms, origins: Origins) -> None:
        self._rooms, self._origins = rooms, origins
        self._queues: dict[str, ASGIApp] = {}
        self._pages = Starlette(
            routes=[
                Route("/", self._teams),
                Route("/workteams/{team}/", self._team),
                Route("/enter/{kind}/{name}/{member:path}", self._enter),
                Route("/portal.css", self._style),
                Route("/icon.svg", self._icon),
            ],
            middleware=[Middleware(Guard, origins=origins, public=("/workteams/", "/portal.css", "/icon.svg"))],
            exception_handlers={404: _not_found},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        found = _QUEUE.fullmatch(scope["path"]) if scope["type"] == "http" else None
        room = self._rooms.at(found.group(1) + "/") if found else None
        if found is None or room is None:
            await self._pages(scope, receive, send)
        elif found.group(2) is None:
            await RedirectResponse(quote(room.path))(scope, receive, send)
        else:
            await self._queue(room, {**scope, "path": found.group(2), "raw_path": quote(found.group(2)).encode()})(
                receive, send
            )

    def _queue(self, room: Room, scope: Scope) -> _QueueRequest:
        if room.path not in self._queues:
            self._queues[room.path] = review_app(room.queue, self._origins, self._rooms.images)
        return _QueueRequest(self._rooms, room, self._queues[room.path], scope)

    async def _teams(self, _: Request) -> Response:
        return await run_in_threadpool(_page, self._rooms, sorted(self._rooms.teams))

    async def _team(self, request: Request) -> Response:
        team = request.path_params["team"]
        if team not in self._rooms.teams:
            return await _not_found(request)
        return await run_in_threadpool(_page, self._rooms, [team])

    async def _enter(self, request: Request) -> Response:
        """Invite a member, and lead the browser to the queue."""
        place, member = request.path_params, request.path_params["member"]
        path = f"/{place['kind']}/{place['name']}/"
        if self._rooms.at(path) is None:  # the queue of what was just created is being made
            await run_in_threadpool(self._rooms.settle)
        room = self._rooms.at(path)
        if room is None or member not in room.members:
            return await _not_found(request)
        token = await run_in_threadpool(room.queue.reviewers.invite, member)
        return RedirectResponse(f"{quote(room.path)}#{token}", status_code=303)

    async def _style(self, _: Request) -> Response:
        return Response((_FOLDER / "portal.css").read_text(encoding="utf-8"), media_type="text/css")

    async def _icon(self, _: Request) -> Response:
        return Response((PAGE / "icon.svg").read_text(encoding="utf-8"), media_type="image/svg+xml")


class _QueueRequest:
    """One request to a queue's page: answers to a task whose output is written are refused, others are taken in."""

    def __init__(self, rooms: Rooms, room: Room, app: ASGIApp, scope: Scope) -> None:
        self._rooms, self._room, self._app, self._scope = rooms, room, app, scope

    async def __call__(self, receive: Receive, send: Send) -> None:
        """Answer it."""
        if self._scope["method"] != "POST" or self._scope["path"] != "/answers":
            await self._app(self._scope, receive, send)
            return
        body = await _body(receive)
        if await run_in_threadpool(self._is_closed, body):
            finished = Problem("queue_finished", {"title": self._room.title})
            await problem_response(409, finished)(self._scope, receive, send)
            return

        await self._app(self._scope, received(body), send)
        self._rooms.wake()

    def _is_closed(self, body: bytes) -> bool:
        try:
            task = msgspec.json.decode(body, type=_TaskOfAnswer).task
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False  # the page's application says what is wrong with it
        return self._room.is_closed(task)


async def _body(receive: Receive) -> bytes:
    """Read a request's body as far as the page's application may take it, and a byte more."""
    body = b""
    while len(body) <= MAX_BODY_BYTES:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] != "http.request" or not message.get("more_body"):
            break
    return body


def _page(rooms: Rooms, teams: list[str]) -> Response:
    """Return the page of some workteams, with the links of their members to the open queues."""
    rooms.settle()
    shown = []
    for team in teams:
        members = []
        for member in rooms.teams[team]:
            links = [
                {
                    "href": f"/enter{quote(room.path)}{quote(member, safe='')}",
                    "title": room.title,
                    "kind": "labelling job" if room.kind is Kind.LABELING_JOB else "human loops of",
                    "name": room.name,
                    "left": room.queue.progress(member).left,
                }
                for room in rooms.of(team)
                if member in room.members and not room.is_ended()
            ]
            members.append({"name": member, "links": links})
        shown.append({"name": team, "members": members})
    return HTMLResponse(_TEMPLATES.get_template("portal.html").render(teams=shown))


async def _not_found(*_: object) -> Response:
    return error_response(404, "there is nothing at this address: open the workteam's SubDomain")
