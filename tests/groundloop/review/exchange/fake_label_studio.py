"""Label Studio Community as far as queues need it; fields, limits and replies are those of its OpenAPI schema, 1.23."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree

from tests.groundloop.review.exchange.fake_server import TOKEN, FakeServer, Request, Response, known_fields, pages

_TEXT, _PERCENT = {"type": "string"}, {"type": "number", "minimum": 0, "maximum": 100}
#: ProjectRequest: title and limits of `projects.Project`; sampling is an enumeration of texts.
_PROJECT = known_fields(
    {
        "title": {"type": "string", "minLength": 3, "maxLength": 50},
        "description": _TEXT,
        "label_config": _TEXT,
        "expert_instruction": _TEXT,
        "show_instruction": {"type": "boolean"},
        "show_collab_predictions": {"type": "boolean"},
        "enable_empty_annotation": {"type": "boolean"},
        "maximum_annotations": {"type": "integer", "minimum": 1},
        "sampling": {"enum": ["Sequential sampling", "Uniform sampling", "Uncertainty sampling"]},
    },
    ["title", "label_config"],
)
_STORAGE = known_fields(
    {
        "project": {"type": "integer"},
        "title": _TEXT,
        "bucket": _TEXT,
        "prefix": _TEXT,
        "region_name": {"type": ["string", "null"]},
        "presign": {"type": "boolean"},
        "presign_ttl": {"type": "integer", "minimum": 0, "maximum": 32767},
        "s3_endpoint": _TEXT,
    },
    ["project"],
)
_REGION = known_fields(
    {
        "id": _TEXT,
        "type": {"const": "rectanglelabels"},
        "from_name": {"const": "label"},
        "to_name": {"const": "image"},
        "original_width": {"type": "integer", "minimum": 1},
        "original_height": {"type": "integer", "minimum": 1},
        "image_rotation": {"enum": [0, 90, 180, 270]},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "value": known_fields(
            {
                **dict.fromkeys(("x", "y", "width", "height"), _PERCENT),
                "rotation": {"type": "number"},
                "rectanglelabels": {"type": "array", "items": _TEXT, "minItems": 1},
            },
            ["x", "y", "width", "height", "rectanglelabels"],
        ),
    },
    ["id", "type", "from_name", "to_name", "value"],
)
_PREDICTION = known_fields(
    {"model_version": _TEXT, "score": {"type": "number"}, "result": {"type": "array", "items": _REGION}}, ["result"]
)
_TASKS = {
    "type": "array",
    "maxItems": 250_000,
    "items": known_fields(
        {
            "data": {"type": "object", "required": ["image"]},
            "predictions": {"type": "array", "items": _PREDICTION},
        },
        ["data"],
    ),
}


class FakeLabelStudio(FakeServer):
    """A Label Studio server with one user, ann.

    Attributes:
        background: what imports in the background say one after the other, as in the Enterprise edition.
        personal: whether only personal access tokens hold, each access token for that many requests.
    """

    def __init__(self) -> None:
        super().__init__()
        self.release = "1.23.2"
        self.personal: int | None = None
        self.background: list[str] | None = None
        self.projects: dict[int, dict[str, Any]] = {}
        self.storages: list[dict[str, Any]] = []
        self.uploads: dict[int, dict[str, Any]] = {}
        self.tasks: dict[int, dict[str, Any]] = {}
        self._access = 0
        self._left = 0
        self._last_id = 0
        self.routes = [
            ("GET", r"/api/version", lambda request: Response(content={"release": self.release})),
            ("POST", r"/api/token/refresh/", self._refresh),
            ("GET", r"/api/users/", lambda request: Response(content=[{"id": 1, "email": "ann@example.com"}])),
            ("GET", r"/api/projects/", self._list_projects),
            ("POST", r"/api/projects/", self._create_project),
            ("GET", r"/api/projects/(\d+)/", self._project),
            ("DELETE", r"/api/projects/(\d+)/", self._delete_project),
            ("GET", r"/api/storages/s3/", self._list_storages),
            ("POST", r"/api/storages/s3/", self._create_storage),
            ("GET", r"/api/projects/(\d+)/file-uploads", self._list_uploads),
            ("POST", r"/api/projects/(\d+)/import", self._import),
            ("GET", r"/api/projects/(\d+)/imports/(\d+)/", self._import_status),
            ("GET", r"/api/tasks/", self._list_tasks),
        ]

    def checked(self, path: str, request: Request) -> Response | None:
        """Refuse wrong tokens."""
        if path in ("/api/version", "/api/token/refresh/"):
            assert "Authorization" not in request.headers
            return None
        if self.personal is not None:
            self._left -= 1
            right = request.headers["Authorization"] == f"Bearer access-{self._access}" and self._left >= 0
        else:
            right = request.headers["Authorization"] == f"Token {TOKEN}"
        return None if right else Response(401, {"status_code": 401, "detail": "Invalid token."})

    def annotate(self, number: int, regions: Sequence[dict[str, Any]] | None, **changes: Any) -> dict[str, Any]:
        """Submit an annotation of a task; None accepts the prediction as it is."""
        task = self.tasks[number]
        if regions is None:
            # As the page does: the regions keep their ids, and their scores go.
            drafts = task["predictions"][0]["result"] if task["predictions"] else []
            regions = [{**{key: one[key] for key in one if key != "score"}, "origin": "prediction"} for one in drafts]
        annotation = {
            "id": self._new_id(),
            "result": list(regions),
            "completed_by": 1,
            "was_cancelled": False,
            "lead_time": 7.5,
            "created_at": "2026-11-21T10:00:00.000000Z",
            "updated_at": f"2026-11-21T10:00:{number % 60:02}.000000Z",
            **changes,
        }
        task["annotations"].append(annotation)
        return annotation

    def state(self) -> object:
        """What people see: the projects' tasks with image and boxes, in their order."""
        files = {f"/data/{one['file']}": one["body"] for one in self.uploads.values()}
        return [
            (self.projects[task["project"]]["title"], files.get(data["image"]), data["name"], task["predictions"])
            for task in self.tasks.values()
            for data in [task["data"]]
        ], len(self.projects)

    def _new_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _refresh(self, request: Request) -> Response:
        content = request.json(known_fields({"refresh": _TEXT}, ["refresh"]))
        if content["refresh"] != "a.b.c" or self.personal is None:
            return Response(401, {"detail": "Token is invalid"})
        self._access += 1
        self._left = self.personal
        return Response(content={"access": f"access-{self._access}"})

    def _list_projects(self, request: Request) -> Response:
        found = [one for one in self.projects.values() if request.query["title"] in one["title"]]
        return Response(content=pages(found, request.query, "/api/projects/"))

    def _create_project(self, request: Request) -> Response:
        content = request.json(_PROJECT)
        root = ElementTree.fromstring(content["label_config"])  # noqa: S314
        image, labels = root.find("Image"), root.find("RectangleLabels")
        assert image is not None
        assert labels is not None
        assert image.get("value") == "$image"
        assert labels.get("toName") == image.get("name")
        assert labels.get("name")
        tag = {"type": "RectangleLabels", "labels": [one.get("value") for one in labels], "to_name": ["image"]}
        number = self._new_id()
        self.projects[number] = {"id": number, **content, "parsed_label_config": {labels.get("name"): tag}}
        return Response(201, self.projects[number])

    def _project(self, request: Request, number: int) -> Response:
        if number not in self.projects:
            return Response(404, {"detail": "No Project matches the given query."})
        return Response(content=self.projects[number])

    def _delete_project(self, request: Request, number: int) -> Response:
        if number not in self.projects:
            return Response(404, {"detail": "No Project matches the given query."})
        del self.projects[number]
        self.tasks = {key: one for key, one in self.tasks.items() if one["project"] != number}
        return Response(204)

    def _list_storages(self, request: Request) -> Response:
        return Response(content=[one for one in self.storages if str(one["project"]) == request.query["project"]])

    def _create_storage(self, request: Request) -> Response:
        content = request.json(_STORAGE)
        if content["bucket"] == "closed":
            return Response(500, {"detail": "Unable to locate credentials"})
        self.storages.append({"id": self._new_id(), **content})
        return Response(201, self.storages[-1])

    def _list_uploads(self, request: Request, project: int) -> Response:
        assert request.query == {"all": "true"}
        found = [one for one in self.uploads.values() if one["project"] == project]
        return Response(content=[{"id": one["id"], "file": one["file"], "size": len(one["body"])} for one in found])

    def _import(self, request: Request, project: int) -> Response:
        assert project in self.projects
        if request.query.get("commit_to_project") == "false":
            files, fields = request.files()
            assert not fields
            for name, body in files.values():
                number = self._new_id()
                # Django takes other characters out of names.
                stored = f"upload/{project}/{number:08x}-{name}"
                self.uploads[number] = {"id": number, "project": project, "file": stored, "name": name, "body": body}
            return self._imported(len(files))
        content = request.json(_TASKS)
        labels = set(self.projects[project]["parsed_label_config"]["label"]["labels"])
        for one in content:
            predictions = one.get("predictions", [])
            for prediction in predictions:
                assert all(set(region["value"]["rectanglelabels"]) <= labels for region in prediction["result"])
            number = self._new_id()
            task = {"id": number, "project": project, "data": one["data"], "predictions": predictions}
            self.tasks[number] = {**task, "annotations": [], "drafts": []}
        return self._imported(len(content))

    def _imported(self, count: int) -> Response:
        return Response(201, {"task_count": count} if self.background is None else {"import": self._new_id()})

    def _import_status(self, request: Request, project: int, number: int) -> Response:
        assert self.background
        return Response(content={"id": number, "status": self.background.pop(0), "error": "disk full"})

    def _list_tasks(self, request: Request) -> Response:
        query = request.query
        assert query["resolve_uri"] == "false"
        found = [one for one in self.tasks.values() if str(one["project"]) == query["project"]]
        if query.get("fields") != "all":
            found = [{**one, "annotations": [], "drafts": []} for one in found]
        page = pages(found, query, "/api/tasks/")["results"]
        return Response(content={"tasks": page, "total": len(found), "total_annotations": 0, "total_predictions": 0})
