"""The server of the review page: Starlette routes over one queue."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from groundloop.errors import UserError
from groundloop.images.access import Images, UnusableImageError
from groundloop.images.palette import class_colors
from groundloop.images.s3 import S3Images
from groundloop.review.guard import Guard, Origins, problem_response
from groundloop.review.images import FolderFiles, QueueImages, Rendition
from groundloop.review.presigned import PresignedUrls
from groundloop.review.problems import TEXTS, Problem, ProblemError
from groundloop.review.queue import PRESIGNED, Queue, QueueInfo
from groundloop.review.wire import Answer, NextRequest, NextTasks, QueueClass, QueuePage, Stored, TaskIds
from groundloop.web_app import ErrorHandlers, json_response

PAGE = Path(__file__).with_name("page")
_RENDITIONS = {"full": Rendition.FULL, "preview": Rendition.PREVIEW, "thumbnail": Rendition.THUMBNAIL}

_Body = TypeVar("_Body")


class _Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    token: str


def review_app(queue: Queue, origins: Origins, images: Images | None = None) -> Starlette:
    """Return the ASGI application for one queue.

    Args:
        queue: whose tasks are given out.
        origins: under which the page may be opened.
        images: where its images are; None takes the place that the queue names.
    """
    info = queue.info
    place = images or (FolderFiles(Path(info.images)) if info.images else S3Images(info.region))
    presigned = PresignedUrls(info.region) if images is None and is_presigned(info) else None
    server = _Server(queue, QueueImages(place), presigned)
    routes = [
        Route("/", server.page),
        Mount("/page", server.files),
        Route("/session", server.sign_in, methods=["POST"]),
        Route("/queue", server.describe),
        Route("/next", server.next, methods=["POST"]),
        Route("/tasks/{task:int}", server.task),
        Route("/images/{task:int}", server.image),
        Route("/images/{task:int}/{rendition}", server.image),
        Route("/leases/renew", server.renew, methods=["POST"]),
        Route("/leases/release", server.release, methods=["POST"]),
        Route("/answers", server.answer, methods=["POST"]),
    ]
    guard = Middleware(Guard, origins=origins, public=("/page/",), images=server.image_origins)
    return Starlette(routes=routes, middleware=[guard], exception_handlers=_HANDLERS)


def is_presigned(info: QueueInfo) -> bool:
    """Return whether browsers read a queue's images from S3: those on disk are always sent by the server."""
    return info.image_access == PRESIGNED and not info.images


class _Server:
    """The routes."""

    def __init__(self, queue: Queue, images: QueueImages, presigned: PresignedUrls | None = None) -> None:
        self._queue = queue
        self._images = images
        self._presigned = presigned
        self.image_origins = presigned.allow(task.source_ref for _, task in queue.tasks()) if presigned else ()
        self.files = _PageFiles(directory=PAGE, check_dir=False)
        # Cookies are shared by all ports of a host: two queues on one machine need two names, of ASCII letters.
        self._cookie = f"groundloop-{hashlib.sha256(queue.info.name.encode()).hexdigest()[:16]}"

    async def page(self, request: Request) -> Response:
        """Send the page; there is nothing of the queue in it."""
        return await self.files.get_response("index.html", request.scope)

    async def sign_in(self, request: Request) -> Response:
        """Exchange an invitation's token for a session."""
        token = (await _decoded(request, _Token)).token
        signed_in = await run_in_threadpool(self._queue.reviewers.sign_in, token)
        if signed_in is None:
            raise ProblemError(401, Problem("invitation_invalid"))
        reviewer, session = signed_in
        response = json_response({"reviewer": reviewer})
        # Without a path the cookie holds below the page's own folder, wherever a proxy puts that.
        response.set_cookie(
            self._cookie, session, httponly=True, samesite="strict", secure=request.url.scheme == "https", path=None
        )
        return response

    async def describe(self, request: Request) -> Response:
        """Describe the queue."""
        reviewer = await self._reviewer(request)
        info = self._queue.info
        return json_response(
            QueuePage(
                name=info.name,
                classes=tuple(
                    QueueClass(number, name, class_colors(number).color) for number, name in enumerate(info.classes)
                ),
                instructions=info.instructions,
                reviewer=reviewer,
                mode=info.mode,
                lease_seconds=info.lease_seconds,
                class_unsure_edges=info.unsure_edges,
                progress=await run_in_threadpool(self._queue.progress, reviewer),
            )
        )

    async def next(self, request: Request) -> Response:
        """Lease the next tasks."""
        reviewer = await self._reviewer(request)
        wanted = await _decoded(request, NextRequest)
        tasks = await run_in_threadpool(self._queue.leases.next, reviewer, wanted)
        return json_response(NextTasks(tasks=tasks, progress=await run_in_threadpool(self._queue.progress, reviewer)))

    async def task(self, request: Request) -> Response:
        """Return one task with the reviewer's own answer."""
        reviewer = await self._reviewer(request)
        found = await run_in_threadpool(self._queue.leases.task, reviewer, request.path_params["task"])
        if found is None:
            raise ProblemError(404, Problem("task_unknown", {"task": request.path_params["task"]}))
        return json_response(found)

    async def image(self, request: Request) -> Response:
        """Send an image."""
        await self._reviewer(request)
        rendition = _RENDITIONS.get(request.path_params.get("rendition", "full"))
        source_ref = await run_in_threadpool(self._queue.source_ref, request.path_params["task"])
        if rendition is None or source_ref is None:
            raise ProblemError(404, Problem("image_unknown"))
        image = await run_in_threadpool(self._images.get, source_ref, rendition)
        # Only what was found to be an image that browsers show as it is stored.
        if self._presigned is not None and image.is_file:
            url = await run_in_threadpool(self._presigned.url, source_ref, image.media_type)
            if url is not None:
                return Response(status_code=307, headers={"Location": url, "Cache-Control": "no-store"})
        headers = {"ETag": image.etag, "Cache-Control": "private, no-cache"}
        if request.headers.get("if-none-match") == image.etag:
            return Response(status_code=304, headers=headers)
        return Response(image.body, media_type=image.media_type, headers=headers)

    async def renew(self, request: Request) -> Response:
        """Renew leases."""
        reviewer = await self._reviewer(request)
        await run_in_threadpool(self._queue.leases.renew, reviewer, (await _decoded(request, TaskIds)).tasks)
        return json_response({})

    async def release(self, request: Request) -> Response:
        """Give tasks back."""
        reviewer = await self._reviewer(request)
        await run_in_threadpool(self._queue.leases.release, reviewer, (await _decoded(request, TaskIds)).tasks)
        return json_response({})

    async def answer(self, request: Request) -> Response:
        """Store an answer; the reply means that it is on the disk."""
        reviewer = await self._reviewer(request)
        answer = await _decoded(request, Answer)
        late = await run_in_threadpool(self._queue.answers.add, reviewer, answer)
        progress = await run_in_threadpool(self._queue.progress, reviewer)
        return json_response(Stored(stored=True, late=late, progress=progress))

    async def _reviewer(self, request: Request) -> str:
        session = request.cookies.get(self._cookie)
        reviewer = await run_in_threadpool(self._queue.reviewers.of_session, session) if session else None
        if reviewer is None:
            raise ProblemError(401, Problem("no_session"))
        return reviewer


class _PageFiles(StaticFiles):
    """The page's own files, for which browsers ask each time: an upgrade must not mix old and new ones."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Return a file, or that it is unchanged."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


async def _decoded(request: Request, kind: type[_Body]) -> _Body:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ProblemError(422, Problem("request_unreadable", {"reason": str(error)})) from None


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 (it is registered for no other)
    return problem_response(error.status, error.problem)


def _answer(status: int, code: str) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return a handler of exceptions that no route raises on purpose."""

    async def answer(_: Request, error: Exception) -> Response:
        reason = {"reason": " ".join(str(error).split())} if "{reason}" in TEXTS[code] else {}
        return problem_response(status, Problem(code, reason))

    return answer


_HANDLERS: ErrorHandlers = {
    ProblemError: _refused,
    UnusableImageError: _answer(422, "image_unusable"),
    UserError: _answer(502, "queue_failed"),
    404: _answer(404, "nothing_here"),
    405: _answer(405, "method"),
    Exception: _answer(500, "server_failed"),
}
