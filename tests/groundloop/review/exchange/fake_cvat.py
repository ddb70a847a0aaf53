"""CVAT as far as queues need it; fields, limits and replies are those of the models of cvat-sdk 2.80."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.groundloop.review.exchange.fake_server import (
    TOKEN,
    URL,
    FakeServer,
    Request,
    Response,
    known_fields,
    pages,
)

_TEXT, _COUNT = {"type": "string"}, {"type": "integer", "minimum": 0}
#: TaskWriteRequest, PatchedLabelRequest.
_TASK = known_fields(
    {
        "name": {"type": "string", "minLength": 1, "maxLength": 256},
        "labels": {
            "type": "array",
            "items": known_fields(
                {"name": {"type": "string", "minLength": 1, "maxLength": 64}, "type": {"enum": ["any", "rectangle"]}},
                ["name"],
            ),
        },
        "segment_size": _COUNT,
        "overlap": _COUNT,
        "consensus_replicas": _COUNT,
    },
    ["name"],
)
#: DataRequest.
_DATA = known_fields(
    {
        "image_quality": {"type": "integer", "minimum": 1, "maximum": 100},
        "sorting_method": {"enum": ["lexicographical", "natural", "predefined", "random"]},
        "use_cache": {"type": "boolean"},
        "upload_file_order": {"type": "array", "items": _TEXT},
        "cloud_storage_id": {"type": "integer"},
        "server_files": {"type": "array", "items": _TEXT},
    },
    ["image_quality"],
)
#: LabeledDataRequest, LabeledShapeRequest.
_SHAPE = known_fields(
    {
        "type": {"enum": ["rectangle", "polygon", "ellipse", "mask"]},
        "frame": _COUNT,
        "label_id": _COUNT,
        "points": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
        "occluded": {"type": "boolean"},
        "z_order": {"type": "integer"},
        "rotation": {"type": "number", "minimum": 0, "maximum": 360},
        "source": {"enum": ["auto", "semi-auto", "manual", "file", "consensus"]},
        "group": _COUNT,
        "attributes": {"type": "array", "maxItems": 0},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
    },
    ["type", "frame", "label_id"],
)
_ANNOTATIONS = known_fields(
    {
        "version": _COUNT,
        "tags": {"type": "array"},
        "tracks": {"type": "array"},
        "shapes": {"type": "array", "items": _SHAPE},
    },
    [],
)


class FakeCvat(FakeServer):
    """A CVAT server.

    Attributes:
        buckets: cloud storages by their ids.
        backwards: whether frames come in another order than they were pushed.
        broken: what reading the images fails with.
    """

    def __init__(self) -> None:
        super().__init__()
        self.version = "2.80.0"
        self.buckets = {5: "photos"}
        self.backwards = False
        self.broken = ""
        self.organization: str | None = None
        self.tasks: dict[int, dict[str, Any]] = {}
        self.jobs: dict[int, dict[str, Any]] = {}
        self.annotations: dict[int, dict[str, Any]] = {}
        self.background: dict[str, dict[str, Any]] = {}
        self._last_id = 0
        self.routes = [
            ("GET", r"/api/server/about", lambda request: Response(content={"version": self.version})),
            ("GET", r"/api/users/self", lambda request: Response(content={"id": 1, "username": "ann"})),
            ("GET", r"/api/tasks", self._list_tasks),
            ("POST", r"/api/tasks", self._create_task),
            ("GET", r"/api/tasks/(\d+)", self._task),
            ("DELETE", r"/api/tasks/(\d+)", self._delete_task),
            ("POST", r"/api/tasks/(\d+)/data/", self._data),
            ("GET", r"/api/tasks/(\d+)/data/meta", self._meta),
            ("GET", r"/api/labels", self._labels),
            ("GET", r"/api/jobs", self._list_jobs),
            ("GET", r"/api/jobs/(\d+)/annotations/", self._annotations),
            ("PUT", r"/api/jobs/(\d+)/annotations/", self._put),
            ("GET", r"/api/requests", self._list_requests),
            ("GET", r"/api/requests/action%3Dcreate%26target%3Dtask%26id%3D(\d+)", self._request),
            ("GET", r"/api/cloudstorages/(\d+)", self._bucket),
        ]

    def checked(self, path: str, request: Request) -> Response | None:
        """Refuse wrong tokens."""
        assert request.headers["Accept"] == "application/vnd.cvat+json"
        if path == "/api/server/about":
            return None
        assert request.headers.get("X-Organization") == self.organization
        right = request.headers["Authorization"] == f"Bearer {TOKEN}"
        return None if right else Response(401, {"detail": "Invalid token."})

    def complete(self, job: int, **changes: Any) -> dict[str, Any]:
        """Complete a job; return its annotations, which may be changed."""
        assignee = {"id": 1, "username": "ann", "url": ""}
        done = {"state": "completed", "assignee": assignee, "updated_date": "2026-11-21T10:00:00Z"}
        self.jobs[job] |= {**done, **changes}
        return self.annotations[job]

    def state(self) -> object:
        """What people see: the frames of each task with their boxes."""
        return [
            (
                [frame["name"] for frame in task["frames"]],
                [
                    (shape["frame"], names[shape["label_id"]], shape["points"], shape["source"], shape.get("score"))
                    for job in self._jobs_of(number)
                    for shape in self.annotations[job["id"]]["shapes"]
                ],
            )
            for number, task in self.tasks.items()
            for names in [{label["id"]: label["name"] for label in task["labels"]}]
        ]

    def _jobs_of(self, task: int) -> list[dict[str, Any]]:
        return [job for job in self.jobs.values() if job["task_id"] == task]

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _list_tasks(self, request: Request) -> Response:
        found = [self._seen(one) for one in self.tasks.values() if one["name"] == request.query["name"]]
        return Response(content=pages(found, request.query, "/api/tasks"))

    def _create_task(self, request: Request) -> Response:
        content = request.json(_TASK)
        number = self._new_id()
        labels = [{"id": self._new_id(), **label} for label in content["labels"]]
        self.tasks[number] = {**content, "id": number, "labels": labels, "frames": [], "files": None, "deleted": []}
        return Response(201, self._seen(self.tasks[number]))

    def _seen(self, task: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": task["id"],
            "name": task["name"],
            "size": len(task["frames"]),
            "labels": {"url": f"{URL}/api/labels?task_id={task['id']}"},
        }

    def _task(self, request: Request, number: int) -> Response:
        if number not in self.tasks:
            return Response(404, {"detail": "Not found."})
        return Response(content=self._seen(self.tasks[number]))

    def _delete_task(self, request: Request, number: int) -> Response:
        if self.tasks.pop(number, None) is None:
            return Response(404, {"detail": "Not found."})
        self.jobs = {key: job for key, job in self.jobs.items() if job["task_id"] != number}
        self.background = {key: one for key, one in self.background.items() if one["task"] != number}
        return Response(204)

    def _data(self, request: Request, number: int) -> Response:
        task = self.tasks[number]
        assert not task["frames"], "data can be given to a task once"
        if "Upload-Start" in request.headers:
            assert task["files"] is None, "an upload began already"
            task["files"] = []
            return Response(202)
        if "Upload-Multiple" in request.headers:
            files, fields = request.files()
            assert fields == {"image_quality": "95"}
            assert list(files) == [f"client_files[{place}]" for place in range(len(files))]
            task["files"] += [name for name, _ in files.values()]
            return Response(200)
        content = request.json(_DATA)
        if "Upload-Finish" in request.headers:
            names = content["upload_file_order"]
            assert sorted(names) == sorted(task["files"])
        else:
            assert content["cloud_storage_id"] in self.buckets
            names = content["server_files"]
            assert len(set(names)) == len(names)
        assert content["sorting_method"] == "predefined"
        rq_id = f"action=create&target=task&id={number}"
        assert rq_id not in self.background, "the data is being read already"
        self.background[rq_id] = {"task": number, "names": names, "status": "queued"}
        return Response(202, {"rq_id": rq_id})

    def _work(self, rq_id: str) -> dict[str, Any]:
        """Let the server's worker do a step."""
        request = self.background[rq_id]
        request["status"] = {"queued": "started", "started": "finished"}.get(request["status"], request["status"])
        if self.broken and request["status"] == "finished":
            request["status"] = "failed"
        task = self.tasks[request["task"]]
        if request["status"] == "finished" and not task["frames"]:
            names = request["names"][::-1] if self.backwards else request["names"]
            task["frames"] = [{"name": name, "width": 40, "height": 30, "related_files": 0} for name in names]
            self._make_jobs(task)
        message = f"Traceback\nValueError: {self.broken}" if request["status"] == "failed" else ""
        return {"id": rq_id, "status": request["status"], "message": message}

    def _make_jobs(self, task: dict[str, Any]) -> None:
        size = task["segment_size"]
        for start in range(0, len(task["frames"]), size):
            stop = min(start + size, len(task["frames"])) - 1
            parent = self._make_job(task["id"], start, stop, "annotation", None)
            for _ in range(task["consensus_replicas"]):
                self._make_job(task["id"], start, stop, "replica", parent)

    def _make_job(self, task: int, start: int, stop: int, kind: str, parent: int | None) -> int:
        number = self._new_id()
        self.jobs[number] = {
            "id": number,
            "task_id": task,
            "start_frame": start,
            "stop_frame": stop,
            "type": kind,
            "stage": "annotation",
            "state": "new",
            "assignee": None,
            "updated_date": "2026-11-21T09:00:00Z",
            "parent_job_id": parent,
        }
        self.annotations[number] = {"version": 0, "tags": [], "shapes": [], "tracks": []}
        return number

    def _meta(self, request: Request, number: int) -> Response:
        frames, deleted = self.tasks[number]["frames"], self.tasks[number]["deleted"]
        return Response(content={"frames": frames, "deleted_frames": deleted, "size": len(frames)})

    def _labels(self, request: Request) -> Response:
        labels: Sequence[Any] = self.tasks[int(request.query["task_id"])]["labels"]
        return Response(content=pages(list(labels), request.query, "/api/labels"))

    def _list_jobs(self, request: Request) -> Response:
        return Response(content=pages(self._jobs_of(int(request.query["task_id"])), request.query, "/api/jobs"))

    def _annotations(self, request: Request, number: int) -> Response:
        return Response(content=self.annotations[number])

    def _put(self, request: Request, number: int) -> Response:
        content = request.json(_ANNOTATIONS)
        job = self.jobs[number]
        labels = {label["id"] for label in self.tasks[job["task_id"]]["labels"]}
        for shape in content["shapes"]:
            assert job["start_frame"] <= shape["frame"] <= job["stop_frame"]
            assert shape["label_id"] in labels
        assert not self.annotations[number]["shapes"], "putting would replace people's work"
        self.annotations[number] = content
        return Response(content=content)

    def _list_requests(self, request: Request) -> Response:
        assert (request.query["action"], request.query["target"]) == ("create", "task")
        task = int(request.query["task_id"])
        found = [self._work(rq_id) for rq_id, one in self.background.items() if one["task"] == task]
        return Response(content=pages(found, request.query, "/api/requests"))

    def _request(self, request: Request, task: int) -> Response:
        return Response(content=self._work(f"action=create&target=task&id={task}"))

    def _bucket(self, request: Request, number: int) -> Response:
        if number not in self.buckets:
            return Response(404, {"detail": "Not found."})
        content = {"id": number, "resource": self.buckets[number], "provider_type": "AWS_S3_BUCKET"}
        return Response(content=content)
