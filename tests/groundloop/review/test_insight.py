"""Insight into labelling: by worker and day, from a queue, Ground Truth's output folder, and A2I's outputs."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from groundloop.errors import UserError
from groundloop.labels.formats.a2i import from_a2i
from groundloop.labels.formats.dataset import LabelledDataset, LabelledImage
from groundloop.labels.formats.disk import write_folder
from groundloop.labels.formats.groundtruth import from_groundtruth
from groundloop.labels.records import Box
from groundloop.labels.worker_answers import WorkerAnswer
from groundloop.review.export import ExportFormat, exported
from groundloop.review.insight.changes import Changes, changes
from groundloop.review.insight.gold import gold_by_image
from groundloop.review.insight.page import insight_page
from groundloop.review.insight.report import Insight, insight
from groundloop.review.insight.sources import AnswerSource, SourceKind, read_source
from groundloop.review.insight.tables import as_csv, as_json, write_csv
from groundloop.review.reviewers import pseudonym
from groundloop.review.wire import Answer, Outcome
from tests.fixtures.labelled_queue import ANN, BOB, DAY_2, SATO, labelled_queue

NUT, BOLT = Box("nut", 10, 10, 30, 30), Box("bolt", 100, 20, 40, 40)
IMAGE = "s3://groundloop-local/images/photos/{}.png"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same answers as a queue, a labelling job's output folder, and outputs of human loops."""
    folder = tmp_path_factory.mktemp("sources")
    queue = labelled_queue(folder / "queue")
    for form in ExportFormat:
        write_folder(folder / form.value, exported(queue, form).files, {})
    queue.close()
    return {kind.value: folder / kind.value for kind in SourceKind}


@pytest.fixture(scope="module")
def found(sources: dict[str, Path]) -> Insight:
    """Insight into the queue, one hour after its last answer."""
    return insight(read_source(str(sources["queue"])), rate=36.0, now=DAY_2 + timedelta(hours=2))


def worker(found: Insight, name: str) -> Any:
    """Return the metrics of a reviewer."""
    return found.workers[pseudonym("week-47", name)]


def answer(*boxes: Box, **changes: Any) -> WorkerAnswer:
    """Return an answer to an image, for sources made of them."""
    return replace(WorkerAnswer("s3://b/1.jpg", "ann", boxes), **changes)


def of(*answers: WorkerAnswer) -> Insight:
    """Return insight into some answers."""
    return insight(AnswerSource(SourceKind.A2I, "x", answers, answers))


class TestChanges:
    """What became of the shown boxes."""

    @pytest.mark.parametrize(
        ("answered", "expected"),
        [
            pytest.param((NUT, BOLT), Changes(kept=2), id="nothing"),
            pytest.param((BOLT, NUT), Changes(kept=2), id="another order"),
            pytest.param((NUT,), Changes(kept=1, deleted=1), id="deleted"),
            pytest.param((), Changes(deleted=2), id="all deleted"),
            pytest.param((NUT, BOLT, Box("nut", 60, 60, 9, 9)), Changes(kept=2, added=1), id="added"),
            pytest.param((Box("nut", 12, 10, 30, 30), BOLT), Changes(kept=1, moved=1), id="moved"),
            pytest.param((Box("nut", 10.5, 9.5, 29.5, 30), BOLT), Changes(kept=2), id="rounded to whole pixels"),
            pytest.param((Box("nut", 10, 10, 31, 30), BOLT), Changes(kept=1, moved=1), id="an edge by one pixel"),
            pytest.param((Box("bolt", 10, 10, 30, 30), BOLT), Changes(kept=1, relabelled=1), id="another class"),
            pytest.param((Box("bolt", 12, 10, 30, 30), BOLT), Changes(kept=1, moved=1, relabelled=1), id="both"),
            pytest.param((Box("nut", 40, 10, 30, 30), BOLT), Changes(kept=1, added=1, deleted=1), id="far away"),
        ],
    )
    def test_each_is_counted(self, answered: tuple[Box, ...], expected: Changes) -> None:
        assert changes((NUT, BOLT), answered) == expected

    def test_only_some_changes_make_a_label_a_changed_one(self) -> None:
        assert not Changes(kept=3).is_changed
        assert all(Changes(**{name: 1}).is_changed for name in ("added", "deleted", "moved", "relabelled"))


class TestWork:
    """The metrics of a worker, a day, and all."""

    def test_of_all(self, found: Insight) -> None:
        total = found.total
        assert (total.labels, total.images, total.boxes) == (10, 8, 16)
        assert (total.active_seconds, total.elapsed_seconds, total.other_seconds) == (60.225, 70.225, 21.0)
        assert (total.median_seconds_per_image, total.median_seconds_per_box) == (6.0, 3.25)

    def test_of_a_worker(self, found: Insight) -> None:
        ann = worker(found, ANN)
        assert (ann.labels, ann.boxes) == (4, 7)
        # 1.2, 8, 4 and 1.4 seconds; 2 skipped and 3 replaced ones are other work.
        assert (ann.active_seconds, ann.other_seconds, ann.median_seconds_per_image) == (14.6, 5.0, 2.7)
        assert (ann.images_with_shown_boxes, ann.changed, ann.changed_share) == (3, 1, pytest.approx(1 / 3))

    def test_changes_of_a_worker(self, found: Insight) -> None:
        bob, sato = worker(found, BOB), worker(found, SATO)
        assert (bob.added, bob.deleted, bob.moved, bob.relabelled) == (0, 3, 1, 0)
        assert (sato.added, sato.deleted, sato.moved, sato.relabelled) == (1, 0, 0, 1)

    def test_answers_that_are_no_labels(self, found: Insight) -> None:
        ann, bob = worker(found, ANN), worker(found, BOB)
        assert (ann.skipped, ann.unsure, ann.late, ann.replaced) == (1, 0, 0, 1)
        assert (bob.skipped, bob.unsure, bob.late, bob.replaced) == (0, 1, 1, 0)

    def test_boxes_that_were_accepted_too_fast_to_look_at(self, found: Insight) -> None:
        assert [worker(found, name).accepted_fast for name in (ANN, BOB, SATO)] == [2, 0, 0]

    @pytest.mark.parametrize(
        ("fast", "counted"),
        [
            pytest.param(answer(NUT, shown=(NUT,), seconds=1.49), 1, id="accepted"),
            pytest.param(answer(NUT, shown=(NUT,), seconds=1.5), 0, id="slow enough"),
            pytest.param(answer(NUT, shown=(NUT, BOLT), seconds=1.0), 0, id="changed"),
            pytest.param(answer(shown=(), seconds=1.0), 0, id="no box was shown"),
            pytest.param(answer(NUT, seconds=1.0), 0, id="nothing was shown"),
            pytest.param(answer(NUT, shown=(NUT,)), None, id="no time is known"),
        ],
    )
    def test_what_is_too_fast(self, fast: WorkerAnswer, counted: int | None) -> None:
        assert of(fast).total.accepted_fast == counted

    def test_days_begin_at_midnight_of_the_time_zone(self, sources: dict[str, Path]) -> None:
        source = read_source(str(sources["queue"]))
        assert [*insight(source).days] == ["2026-11-20", "2026-11-21"]
        assert [*insight(source, zone=ZoneInfo("Pacific/Kiritimati")).days] == ["2026-11-20", "2026-11-21"]
        assert [*insight(source, zone=ZoneInfo("Pacific/Auckland")).days] == ["2026-11-20", "2026-11-21"]
        assert [*insight(source, zone=ZoneInfo("Pacific/Honolulu")).days] == ["2026-11-19", "2026-11-20"]

    def test_days_add_up(self, found: Insight) -> None:
        for name in ("labels", "boxes", "active_seconds", "skipped", "replaced"):
            expected = pytest.approx(getattr(found.total, name))
            assert sum(getattr(one, name) for one in found.days.values()) == expected
            assert sum(getattr(one, name) for one in found.workers.values()) == expected
            assert sum(getattr(one, name) for one in found.worker_days.values()) == expected

    def test_answers_of_2019_have_no_times(self) -> None:
        total = of(answer(NUT), answer(NUT, worker="bob")).total
        assert (total.active_seconds, total.elapsed_seconds, total.median_seconds_per_image) == (None, None, None)
        assert [*of(answer(NUT)).days] == [None]


class TestAgreement:
    """With the consolidated label, with gold, and of workers with each other."""

    def test_with_the_consolidated_label(self, found: Insight) -> None:
        """On image 2 ann drew a bolt that bob did not; half of two workers are no majority."""
        assert (worker(found, ANN).consolidated.images, worker(found, ANN).consolidated.f1) == (1, pytest.approx(2 / 3))
        assert (worker(found, BOB).consolidated.images, worker(found, BOB).consolidated.f1) == (2, 1.0)

    def test_an_image_of_one_worker_agrees_with_nothing(self) -> None:
        assert of(answer(NUT)).total.consolidated.images == 0

    def test_on_blind_images(self, found: Insight) -> None:
        assert found.total.blind == found.total.consolidated

    def test_of_workers_with_each_other(self, found: Insight) -> None:
        assert found.pairwise.images == 2
        assert found.pairwise.overall.f1 == pytest.approx(2 * 3 / 7)
        # Of four objects all marked by both but a bolt: 4 nuts, 3 bolts, and a "none"; 6 coincidences, 18 by chance.
        assert found.alpha == pytest.approx((7 * 6 - 18) / (8 * 7 - 18))
        assert found.alpha_75 == found.alpha

    def test_with_gold_labels(self, sources: dict[str, Path]) -> None:
        source = read_source(str(sources["queue"]))
        labels = LabelledDataset(
            (
                LabelledImage("1.png", 200, 100, (NUT,)),
                LabelledImage("photos/5.png", 200, 100),
                LabelledImage(IMAGE.format(3), 200, 100, (NUT,)),
                LabelledImage("other.png", 200, 100),
            ),
            ("bolt", "nut"),
        )
        found = insight(source, gold=gold_by_image(labels, source.answers))
        ann, bob, sato = (worker(found, name).gold for name in (ANN, BOB, SATO))
        assert (ann.images, ann.f1, ann.mean_iou) == (1, pytest.approx(2 / 3), 1.0)
        assert (bob.images, bob.f1, bob.mean_iou) == (2, 1.0, pytest.approx(840 / 960))
        assert (sato.images, sato.f1) == (0, None)

    def test_gold_labels_of_other_images_are_a_mistake(self, sources: dict[str, Path]) -> None:
        with pytest.raises(UserError, match="none of the 1 gold labels is of an image with an answer"):
            insight(read_source(str(sources["queue"])), gold={"s3://b/x.jpg": ()})

    def test_images_with_too_many_boxes_are_left_out(self) -> None:
        many = tuple(Box("nut", number, 0, 9, 9) for number in range(600))
        found = of(answer(*many), answer(*many, worker="bob"))
        assert (found.total.labels, found.pairwise.images) == (2, 0)
        assert "2 workers drew 1,200 boxes" in found.findings[0].message


class TestForecast:
    """Cost, and when a queue will be done."""

    def test_cost(self, found: Insight) -> None:
        assert found.hours == pytest.approx(81.225 / 3600)
        assert found.cost == pytest.approx(0.81225)

    def test_pace_of_the_last_days(self, found: Insight) -> None:
        """Image 7 is unsure, 10 untouched; image 2 waits for a third worker, as two disagree on the bolt."""
        forecast = found.forecast
        assert forecast is not None
        assert (forecast.images, forecast.answers) == (3, 3)
        assert forecast.hours == pytest.approx(3 * 6.0225 / 3600)
        days = 26 / 24
        assert forecast.answers_per_day == pytest.approx(10 / days)
        assert forecast.end is not None
        assert forecast.end - (DAY_2 + timedelta(hours=2)) == pytest.approx(
            timedelta(days=0.3 * days), abs=timedelta(seconds=1)
        )

    def test_none_when_nobody_worked_lately(self, sources: dict[str, Path]) -> None:
        later = insight(read_source(str(sources["queue"])), now=DAY_2 + timedelta(days=9)).forecast
        assert later is not None
        assert (later.answers_per_day, later.end) == (None, None)

    def test_none_for_files(self, sources: dict[str, Path]) -> None:
        assert insight(read_source(str(sources["a2i"]))).forecast is None


class TestSources:
    """One fixture as queue, labelling job and human loops."""

    @pytest.mark.parametrize("kind", [SourceKind.A2I, SourceKind.WORKER_RESPONSE])
    def test_insight_is_equal_but_for_what_files_have_no_place_for(
        self, sources: dict[str, Path], kind: SourceKind
    ) -> None:
        of_queue, of_files = (
            as_json(insight(read_source(str(sources[name])), rate=30.0)) for name in ("queue", kind.value)
        )
        missing = of_files.pop("not_recorded")
        assert set(missing) == {
            *("skipped", "unsure", "bad_images", "late", "adjudicated", "replaced", "other_seconds"),
            *("other_hours", "other_cost", "forecast"),
        }
        assert of_queue.pop("not_recorded") == []
        for one in (of_queue, of_files):
            del one["source"]
        assert _without(of_queue, missing) == of_files

    def test_a_labelling_job_may_be_given_by_a_folder_inside(self, sources: dict[str, Path]) -> None:
        folder = sources["worker-response"]
        whole = read_source(str(folder))
        assert replace(read_source(str(folder / "annotations/worker-response")), name=whole.name) == whole

    def test_a_queue_may_be_given_by_its_file(self, sources: dict[str, Path]) -> None:
        assert read_source(str(sources["queue"] / "queue.sqlite")) == read_source(str(sources["queue"]))

    def test_names_stay_in_the_queue(self, sources: dict[str, Path], found: Insight) -> None:
        exports = [file.read_text() for file in sources["a2i"].rglob("*.json")]
        exports += [file.read_text() for file in sources["worker-response"].rglob("*.*") if file.is_file()]
        texts = [*exports, json.dumps(as_json(found), ensure_ascii=False), *as_csv(found).values(), insight_page(found)]
        assert not [text for text in texts if ANN in text.split('"') or "佐藤" in text or "bob" in text]
        assert found.source.reviewers == {pseudonym("week-47", name): name for name in (ANN, BOB, SATO)}

    @pytest.mark.parametrize(
        ("files", "problem"),
        [
            pytest.param(("a.txt", "b.txt"), "holds neither a queue", id="other files"),
            pytest.param(
                ("output.json", "annotations/worker-response/iteration-1/0/x.json"), "give one", id="both kinds"
            ),
            pytest.param(("x/output.json", "y"), "no answer could be read: .*output.json", id="corrupted files only"),
        ],
    )
    def test_other_folders_are_refused(self, tmp_path: Path, files: tuple[str, ...], problem: str) -> None:
        write_folder(tmp_path / "folder", dict.fromkeys(files, b"{}"), {})
        with pytest.raises(UserError, match=problem):
            read_source(str(tmp_path / "folder"))

    def test_corrupted_files_are_findings(self, sources: dict[str, Path], tmp_path: Path) -> None:
        files = {file.relative_to(sources["a2i"]).as_posix(): file for file in sources["a2i"].rglob("*.json")}
        write_folder(tmp_path / "copy", {"cut/off/output.json": b"{"}, files)
        found = insight(read_source(str(tmp_path / "copy")))
        assert found.total.labels == 10
        assert found.findings[0].file == str(tmp_path / "copy/cut/off/output.json")


class TestQueue:
    """Which answers of a queue are labels."""

    def test_who_adjudicates_is_no_independent_worker(self, tmp_path: Path) -> None:
        queue = labelled_queue(tmp_path / "queue", max_answers=2)
        decision = Answer(
            client_id="decision",
            task=2,
            lease="",
            outcome=Outcome.BOXES,
            accepted_at="2026-11-21T11:00:00.000Z",
            submitted_at="2026-11-21T11:00:09.000Z",
            seconds=8.0,
            adjudicates=True,
        )
        queue.answers.add("eve", decision, late=False)
        queue.close()
        found = insight(read_source(str(tmp_path / "queue")))
        eve = worker(found, "eve")
        assert (eve.labels, eve.adjudicated, eve.other_seconds) == (0, 1, 8.0)
        assert found.total.labels == 10

    def test_a_late_answer_is_a_label_where_there_is_no_other(self, tmp_path: Path) -> None:
        queue = labelled_queue(tmp_path / "queue", answered=0)
        late = Answer(client_id="late-one", task=1, lease="", outcome=Outcome.BOXES, accepted_at="", submitted_at="")
        queue.answers.add("bob", late, late=True, received=DAY_2.timestamp())
        queue.close()
        found = insight(read_source(str(tmp_path / "queue")))
        assert (found.total.labels, found.total.late) == (1, 1)
        # The page said no time, the server did; and nobody measured the work.
        assert [*found.days] == ["2026-11-21"]
        assert (found.total.active_seconds, found.total.accepted_fast) == (None, None)


class TestExport:
    """What is written for other tools."""

    def test_a2i_outputs_are_the_labels_that_finishing_writes(self, sources: dict[str, Path]) -> None:
        """But for the image on which two people disagree, which waits for a third."""
        labels = from_groundtruth(sources["worker-response"] / "manifests/output/output.manifest", "bounding-box")
        loops = {image.name: image for image in from_a2i(sources["a2i"], ("bolt", "nut")).images}
        finished = {image.name: image for image in labels.images}
        assert set(loops) - set(finished) == {IMAGE.format(2)}
        assert {name: _sorted(loops[name]) for name in finished} == {
            name: _sorted(image) for name, image in finished.items()
        }

    def test_each_line_of_the_job_is_an_image_of_the_queue(self, sources: dict[str, Path]) -> None:
        manifest = sources["worker-response"] / "manifests/output/output.manifest"
        lines = [json.loads(line) for line in manifest.read_text().splitlines()]
        assert [line["source-ref"] for line in lines] == [IMAGE.format(number) for number in range(1, 11)]
        assert "bounding-box" not in lines[9]

    def test_a_queue_without_labels_has_nothing_to_export(self, tmp_path: Path) -> None:
        empty = labelled_queue(tmp_path / "empty", answered=0)
        with pytest.raises(UserError, match="no image has an answer that is a label yet"):
            exported(empty, ExportFormat.A2I)
        empty.close()


class TestTables:
    """CSV."""

    def test_a_row_for_each_worker_and_day(self, found: Insight) -> None:
        rows = list(csv.DictReader(io.StringIO(as_csv(found)["worker_days.csv"])))
        assert len(rows) == 6
        assert (rows[0]["day"], rows[0]["labels"], rows[0]["consolidated_f1"]) == ("2026-11-20", "3", "1.0")
        assert rows[0]["gold_f1"] == ""

    def test_names_are_no_formulas(self) -> None:
        assert as_csv(of(answer(worker="=1+1")))["workers.csv"].splitlines()[1].startswith("'=1+1,")

    def test_a_file_or_a_folder(self, found: Insight, tmp_path: Path) -> None:
        assert write_csv(found, tmp_path / "x.csv") == [tmp_path / "x.csv"]
        assert {path.name for path in write_csv(found, tmp_path / "tables")} == {
            *("workers.csv", "days.csv", "worker_days.csv"),
        }

    def test_a_place_that_cannot_be_written_is_named(self, found: Insight, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(UserError, match=r"file/x\.csv can't be written"):
            write_csv(found, tmp_path / "file/x.csv")


class TestPage:
    """HTML."""

    def test_it_refers_to_nothing_outside(self, found: Insight) -> None:
        page = insight_page(found)
        assert "http" not in page.replace("http-equiv", "")
        assert "<script" not in page

    def test_names_are_escaped(self) -> None:
        page = insight_page(of(answer(NUT, worker="<img src=x>", submitted=datetime.now(timezone.utc))))
        assert "&lt;img src=x&gt;" in page
        assert "<img" not in page

    def test_without_times_and_pairs(self) -> None:
        page = insight_page(of(answer(NUT)))
        assert "Images by day" not in page
        assert 'id="agreement"' not in page


def _sorted(image: LabelledImage) -> list[tuple[Any, ...]]:
    return sorted((box.class_name, box.left, box.top, box.width, box.height) for box in image.boxes)


def _without(value: Any, names: list[str]) -> Any:
    """Return JSON with null for some names, wherever they are."""
    if isinstance(value, dict):
        return {key: None if key in names else _without(item, names) for key, item in value.items()}
    return [_without(item, names) for item in value] if isinstance(value, list) else value
