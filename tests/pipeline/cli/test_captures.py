"""`groundloop captures`: what was captured, and its images and predictions in a folder."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from groundloop.prediction.captured_results import CapturedModel
from pipeline import captures as captures_module
from pipeline.captures import CapturePlace
from tests.fixtures.captured import DOUBTFUL, NOON, SURE, name_of, picture, record, write
from tests.fixtures.cli import Groundloop

HOUR = timedelta(hours=1)


@pytest.fixture
def captured(photos_project: Path) -> Path:
    """Two variants: five requests of four images in two hours, one without a response; and two damaged lines."""
    folder = photos_project / "captured"
    write(folder, record(picture(0), SURE, NOON), record(picture(1), None, NOON), b'{"captureData": {"endpoi')
    later = NOON + HOUR
    again, other = record(picture(0), DOUBTFUL, later), record(picture(2), SURE, later)
    write(folder, again, b'{"source-ref": "s3://b/a.jpg"}\n', other, hour=later)
    write(folder, record(picture(3), [], later), hour=later, variant="candidate")
    return folder


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """Return the results that were extracted."""
    return [json.loads(line) for line in (folder / "predictions.jsonl").read_bytes().splitlines()]


class TestList:
    def test_requests_are_counted_by_variant_and_hour(self, groundloop: Groundloop, captured: Path) -> None:
        listed = groundloop("captures", "list", "--captured", str(captured))
        assert listed.code == 0, listed.err
        rows = [line.split() for line in listed.out.splitlines()]
        assert rows[1:4] == [
            ["bolts", "AllTraffic", "2026-11-21", "12:00", "2", "1", "2", "PNG", "64x48", "0.0", "1"],
            ["bolts", "AllTraffic", "2026-11-21", "13:00", "2", "2", "2", "PNG", "64x48", "0.0", "1"],
            ["bolts", "candidate", "2026-11-21", "13:00", "1", "1", "1", "PNG", "64x48", "0.0", "0"],
        ]
        assert "2 x ERROR_INVALID_CAPTURE_RECORD, first: " in listed.out

    def test_as_json(self, groundloop: Groundloop, captured: Path) -> None:
        listed = groundloop("captures", "list", "--captured", str(captured), "--variant", "candidate", "--json").json
        assert listed["place"] == str(captured)
        (group,) = [one for one in listed["groups"] if one["requests"]]
        assert group == {
            "endpoint": "bolts",
            "variant": "candidate",
            "hour": "2026-11-21T13:00:00+00:00",
            "requests": 1,
            "responses": 1,
            "types": {"PNG": 1},
            "sizes": {"64x48": 1},
            "image_bytes": len(picture(3)),
            "findings": {},
        }

    def test_images_that_pillow_cannot_read_are_counted(self, groundloop: Groundloop, photos_project: Path) -> None:
        write(photos_project / "c", record(b"\xff\xd8\xff broken", SURE, NOON))
        (group,) = groundloop("captures", "list", "--captured", "c", "--json").json["groups"]
        assert (group["requests"], group["types"], group["sizes"]) == (1, {"unreadable": 1}, {})

    def test_a_window_without_requests_names_the_newest(self, groundloop: Groundloop, photos_project: Path) -> None:
        hour = datetime.now(timezone.utc) - 30 * HOUR
        write(photos_project / "c", record(picture(0), SURE, hour), hour=hour)
        listed = groundloop("captures", "list", "--captured", "c", "--hours", "2")
        newest = f"c holds no request of the last 2 hours; the newest are of {hour:%Y-%m-%d %H:00} UTC"
        assert (listed.code, listed.out.strip()) == (0, newest)

    def test_requests_of_the_same_hour_before_the_window_are_not_counted(
        self, groundloop: Groundloop, photos_project: Path
    ) -> None:
        now = datetime.now(timezone.utc)
        early, late = record(picture(0), SURE, now - 2 * HOUR), record(picture(1), SURE, now)
        write(photos_project / "c", early, late, hour=now)
        (group,) = groundloop("captures", "list", "--captured", "c", "--hours", "1", "--json").json["groups"]
        assert group["requests"] == 1


class TestExtract:
    def test_each_image_once_with_its_newest_response(
        self, groundloop: Groundloop, captured: Path, run_folder: Path
    ) -> None:
        made = groundloop("captures", "extract", "out", "--captured", str(captured), "--model", str(run_folder))
        assert made.code == 0, made.err
        images = {path.name: path.read_bytes() for path in Path("out/images").iterdir()}
        assert images == {name_of(picture(number)): picture(number) for number in range(4)}
        lines = {line["image"]: line for line in lines_of(Path("out"))}
        assert set(lines) == {name_of(picture(number)) for number in (0, 2, 3)}
        newest = lines[name_of(picture(0))]
        assert (newest["time"], newest["endpoint"], newest["variant"]) == (
            "2026-11-21T13:00:00Z",
            "bolts",
            "AllTraffic",
        )
        assert (newest["width"], newest["height"]) == (64, 48)
        assert "1 requests have no response: their images have no predictions" in made.out
        assert "2 x ERROR_INVALID_CAPTURE_RECORD" in made.out

    def test_the_threshold_counts(self, groundloop: Groundloop, captured: Path, run_folder: Path) -> None:
        given = ("--captured", str(captured), "--model", str(run_folder))
        assert groundloop("captures", "extract", "out", *given, "--threshold", "0.48").code == 0
        scores = {line["image"]: [one["score"] for one in line.get("detections", ())] for line in lines_of(Path("out"))}
        assert scores == {name_of(picture(0)): [0.5], name_of(picture(2)): [0.99], name_of(picture(3)): []}
        other = groundloop("captures", "extract", "out", *given, "--threshold", "0.9")
        assert other.code == 1
        assert "has results of another model or of other thresholds" in other.error

    def test_again_it_adds_what_is_new(self, groundloop: Groundloop, captured: Path, run_folder: Path) -> None:
        command = ("captures", "extract", "out", "--captured", str(captured), "--model", str(run_folder), "--json")
        assert groundloop(*command).json["new_images"] == 4
        before = lines_of(Path("out"))
        Path("out/images", name_of(picture(2))).unlink()  # as if the first run had been interrupted
        write(captured, record(picture(4), SURE, NOON + 2 * HOUR), hour=NOON + 2 * HOUR)
        again = groundloop(*command).json
        assert (again["requests"], again["images"], again["new_images"], again["predictions"]) == (6, 5, 2, 4)
        assert lines_of(Path("out")) == [*before, lines_of(Path("out"))[-1]]

    @pytest.mark.parametrize(
        ("how", "files"),
        [
            pytest.param("csv", ["predictions.csv"], id="csv"),
            pytest.param("coco", ["predictions.coco.images.json", "predictions.coco.json"], id="coco"),
            pytest.param("manifest", ["predictions.manifest"], id="manifest"),
            pytest.param("yolo", ["yolo"], id="yolo"),
            pytest.param("voc", ["voc"], id="voc"),
        ],
    )
    def test_formats(
        self, groundloop: Groundloop, captured: Path, run_folder: Path, how: str, files: list[str]
    ) -> None:
        command = ("captures", "extract", "out", "--captured", str(captured), "--model", str(run_folder))
        made = groundloop(*command, "--format", how)
        assert made.code == 0, made.err
        assert sorted(path.name for path in Path("out").iterdir()) == sorted(["images", "predictions.jsonl", *files])
        again = groundloop(*command, "--format", how)
        assert again.code == 1
        assert "exists already: remove it, or choose another folder" in again.error

    def test_a_manifest_names_the_images_where_they_will_be(
        self, groundloop: Groundloop, captured: Path, run_folder: Path
    ) -> None:
        given = ("--captured", str(captured), "--model", str(run_folder), "--format", "manifest")
        assert groundloop("captures", "extract", "out", *given, "--prefix", "s3://b/captured").code == 0
        first = json.loads(Path("out/predictions.manifest").read_bytes().splitlines()[0])
        assert first["source-ref"].startswith("s3://b/captured/")
        checked = groundloop("labels", "check", "out/predictions.manifest", "--images", "out/images", "--json")
        assert [manifest["errors"] for manifest in checked.json["manifests"]] == [0]

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            pytest.param(record(picture(1), [[7, 0.5, 0, 0, 1, 1]], NOON), "another class list", id="another model"),
            pytest.param(record(b"\xff\xd8\xff broken", SURE, NOON), "the image can't be read", id="no image"),
            pytest.param(record(b"text", SURE, NOON), "ERROR_CAPTURE_IS_NO_IMAGE", id="another type"),
        ],
    )
    def test_what_cannot_be_used_is_counted(
        self, groundloop: Groundloop, captured: Path, run_folder: Path, line: bytes, message: str
    ) -> None:
        write(captured, line, hour=NOON + 3 * HOUR)
        made = groundloop("captures", "extract", "out", "--captured", str(captured), "--model", str(run_folder))
        assert made.code == 0, made.err
        assert message in made.out
        assert len(lines_of(Path("out"))) == 3

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            pytest.param('{"image": "a.jpg"}\n', "did not write this file", id="another file"),
            pytest.param("text\n", "did not write this file", id="no JSON"),
        ],
    )
    def test_a_users_file_is_not_replaced(
        self, groundloop: Groundloop, captured: Path, run_folder: Path, content: str, message: str
    ) -> None:
        Path("out").mkdir()
        Path("out/predictions.jsonl").write_text(content)
        made = groundloop("captures", "extract", "out", "--captured", str(captured), "--model", str(run_folder))
        assert made.code == 1
        assert message in made.error
        assert Path("out/predictions.jsonl").read_text() == content

    def test_a_file_with_the_name_of_an_image_is_not_replaced(
        self, groundloop: Groundloop, captured: Path, run_folder: Path
    ) -> None:
        Path("out/images").mkdir(parents=True)
        Path("out/images", name_of(picture(0))).write_bytes(b"mine")
        made = groundloop("captures", "extract", "out", "--captured", str(captured), "--model", str(run_folder))
        assert made.code == 1
        assert "exists and is not the image of that name" in made.error

    def test_an_empty_place_leaves_no_folder(
        self, groundloop: Groundloop, photos_project: Path, run_folder: Path
    ) -> None:
        (photos_project / "nothing").mkdir()
        made = groundloop("captures", "extract", "out", "--captured", "nothing", "--model", str(run_folder))
        assert made.code == 1
        assert "nothing holds no captured requests" in made.error
        assert not Path("out").exists()

    def test_without_a_configuration_the_model_has_to_be_named(
        self, groundloop: Groundloop, captured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        made = groundloop("captures", "extract", "out", "--captured", str(captured))
        assert made.code == 2
        first, *others = made.error.splitlines()
        assert first.startswith("it is not known which model answered: name it with --model, such as")
        assert any("aws.role is not set" in line for line in others)


class TestOfTheEndpoint:
    """Without --captured and --model, both come from the endpoint."""

    MODEL = CapturedModel("version 3", ("bolt", "nut"), {"bolt": 0.4, "nut": 0.4})
    OTHER = CapturedModel("version 4", ("screw",), {"screw": 0.4})

    @pytest.fixture
    def extract(self, groundloop: Groundloop, captured: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        """Extract with the versions that the variants serve, of an endpoint that was updated at 13:00."""

        def extract(models: dict[str | None, CapturedModel], *options: str) -> Any:
            place = CapturePlace(str(captured), "", NOON + HOUR)
            monkeypatch.setattr(captures_module, "capture_place", lambda config, endpoint: place)
            monkeypatch.setattr(captures_module, "served_models", lambda config, endpoint: models)
            configured = ("-c", str(Path(__file__).parents[3] / "configs" / "local.yaml"))
            return groundloop("captures", "extract", "out", *options, *configured)

        return extract

    def test_each_variant_has_its_own_version(self, extract: Any) -> None:
        made = extract({"AllTraffic": self.MODEL, "candidate": self.OTHER})
        assert made.code == 0, made.err
        models = {line["variant"]: line["model"] for line in lines_of(Path("out"))}
        assert models == {"AllTraffic": "version 3", "candidate": "version 4"}

    def test_a_variant_that_the_endpoint_does_not_have_any_more(self, extract: Any) -> None:
        made = extract({"AllTraffic": self.MODEL, "": self.MODEL})
        assert "they were answered by variant 'candidate', whose model is not known" in made.out
        assert len(lines_of(Path("out"))) == 2

    def test_responses_before_the_last_update_may_be_another_versions(self, extract: Any, captured: Path) -> None:
        write(captured, record(picture(5), SURE, NOON), hour=NOON)
        made = extract({"AllTraffic": self.MODEL})
        assert "1 responses are older than the endpoint's last update (2026-11-21 13:00 UTC)" in made.out

    def test_class_lists_are_not_mixed_in_a_format_that_has_one(self, extract: Any) -> None:
        made = extract({"AllTraffic": self.MODEL, "candidate": self.OTHER}, "--format", "coco")
        assert made.code == 1
        assert "different class lists" in made.error


def test_predict_keeps_what_captures_reads(groundloop: Groundloop, photos_project: Path, run_folder: Path) -> None:
    from tests.pipeline.cli.crafted_model import CraftedModel, draw_scene, opened

    draw_scene(photos_project / "scenes/a.png", [("bolt", 10, 10)])
    draw_scene(photos_project / "scenes/b.png", [])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("groundloop.prediction.model_files.open_model", lambda path, classes: opened(CraftedModel()))
        ran = groundloop("predict", "scenes", "--model", "crafted.onnx", "--capture", "kept")
    assert ran.code == 0, ran.err
    assert "written: kept" in ran.out
    (group,) = groundloop("captures", "list", "--captured", "kept", "--json").json["groups"]
    assert (group["endpoint"], group["requests"], group["responses"]) == ("local", 2, 2)
    assert group["variant"].startswith("crafted-")
    made = groundloop("captures", "extract", "out", "--captured", "kept", "--model", str(run_folder))
    assert made.code == 0, made.err
    assert sorted(len(line.get("detections", ())) for line in lines_of(Path("out"))) == [0, 1]
