"""From a folder of images, or a model's doubts, to labels: the commands around the page."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import msgspec
import pytest
from PIL import Image

from groundloop.aws import client
from groundloop.local import LocalAws
from groundloop.review.queue import NewTask, Queue, QueueInfo
from groundloop.review.serve import Address
from groundloop.review.wire import Answer, Shown
from tests.fixtures.cli import Groundloop
from tests.groundloop.review.conftest import PageClient, answer

pytestmark = pytest.mark.usefixtures("photos_project")


def add(name: str, task: int, reviewer: str = "ann", **changes: object) -> None:
    """Answer a task of a queue in the working folder."""
    queue = Queue.open(Path("reviews") / name)
    queue.answers.add(reviewer, msgspec.convert(answer(task, **changes), Answer))
    queue.close()


@pytest.fixture
def labelled(groundloop: Groundloop, photos_project: Path) -> str:
    """A queue of the photos with three answers, one of them a negative."""
    assert groundloop("review", "new", "week-47", "--images", "photos", "--classes", "bolt,nut").code == 0
    add("week-47", 1)
    add("week-47", 2, boxes=[])
    add("week-47", 3, outcome="skip", boxes=[])
    return "week-47"


@pytest.fixture
def label_process(photos_project: Path) -> Iterator[subprocess.Popen[str]]:
    """`groundloop label` at work."""
    command = [sys.executable, "-c", "from pipeline.cli import main; main()"]
    arguments = ["label", "photos", "--classes", "bolt,nut", "--reviewer", "ann", "--reviewer", "bob", "--no-browser"]
    repository = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(repository), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, text=True, cwd=photos_project, env=environment
    ) as process:
        yield process
        process.kill()


def test_label_serves_a_folder_and_finish_writes_what_labels_check_accepts(
    label_process: subprocess.Popen[str], groundloop: Groundloop, photos_project: Path
) -> None:
    assert label_process.stdout is not None
    assert label_process.stdout.readline() == "photos: 30 images, 0 answered\n"
    links = dict(label_process.stdout.readline().strip().split(": ") for _ in range(2))
    assert list(links) == ["ann", "bob"]
    page = PageClient(links["ann"])
    assert page.sign_in(urlsplit(links["ann"]).fragment) == "ann"
    task = page.post("/next", {"have": [], "count": 1})["tasks"][0]
    assert (task["name"], task["width"], task["shown"]) == ("00.png", 64, "nothing")
    page.post("/answers", answer(task["id"], boxes=[{"class_id": 0, "left": 1, "top": 2, "width": 3, "height": 4}]))
    label_process.send_signal(signal.SIGINT)
    said = label_process.stdout.read()
    assert "1 of 30 images answered" in said
    assert "groundloop review finish photos" in said
    result = groundloop("review", "finish", "photos")
    assert result.code == 0, result.err
    assert "1 images, 1 boxes" in result.out
    assert "groundloop local run --labels reviews/reviewed.manifest --images" in result.out
    checked = groundloop("labels", "check", "reviews/reviewed.manifest", "--images", "photos", "--json")
    assert checked.code == 0
    assert [manifest["errors"] for manifest in checked.json["manifests"]] == [0]


def test_label_goes_on_with_the_queue_of_that_folder_only_with_its_classes(
    groundloop: Groundloop, labelled: str
) -> None:
    result = groundloop("label", "photos", "--name", labelled, "--classes", "nut,bolt")
    assert result.code == 1
    assert "has the classes bolt, nut" in result.error


def test_a_models_doubts_become_a_queue_that_keeps_splits_and_shows_test_images_blind(
    groundloop: Groundloop, run_folder: Path
) -> None:
    result = groundloop("review", "new", "doubts", "--from", str(run_folder), "--images", "photos", "--limit", "20")
    assert result.code == 0, result.err
    queue = Queue.open(Path("reviews/doubts"))
    tasks = [task for _, task in queue.tasks()]
    queue.close()
    assert len(tasks) == 20
    assert {task.split for task in tasks} == {None}
    assert {task.selected_by for task in tasks} == {"expected-mistakes", "audit"}
    test_images = [task for task in tasks if int(task.source_ref[-6:-4]) >= 20]
    assert test_images
    assert {task.shown for task in test_images} == {Shown.NOTHING}
    assert all(task.line is not None and b'"line": ' in task.line for task in tasks)
    doubtful = [task.expected_mistakes for task in tasks if task.selected_by == "expected-mistakes"]
    assert doubtful == sorted(doubtful, key=lambda value: -(value or 0))


def test_settings_hold_unless_options_say_otherwise(groundloop: Groundloop, run_folder: Path) -> None:
    Path("groundloop.yaml").write_text(
        "review:\n  select: {images: 6, audit: 0, by: condition, conditions: [count(bolt) >= 2]}\n  lease_minutes: 3\n"
    )
    from_run = ("review", "new", "--from", str(run_folder), "--images", "photos")
    assert groundloop(*from_run, "as-set").code == 0
    assert groundloop(*from_run, "other", "--by", "expected_mistakes", "--limit", "4", "--audit", "0.5").code == 0
    chosen_by = {}
    for name in ("as-set", "other"):
        queue = Queue.open(Path("reviews") / name)
        chosen_by[name] = sorted(task.selected_by for _, task in queue.tasks())
        assert queue.info.lease_seconds == 180
        queue.close()
    assert chosen_by == {"as-set": ["condition"] * 6, "other": ["audit"] * 2 + ["expected-mistakes"] * 2}


def test_near_copies_are_left_out_and_named(groundloop: Groundloop, run_folder: Path) -> None:
    gradient = Image.linear_gradient("L").resize((64, 48)).rotate(90).convert("RGB")
    for number in range(4):
        gradient.save(f"photos/{number:02}.png")
    command = ("review", "new", "--from", str(run_folder), "--images", "photos", "--audit", "0")
    assert "note: 3 near copies of chosen images are left out" in groundloop(*command, "fewer").out
    kept = groundloop(*command, "all", "--keep-near-copies").out
    assert "near copies" not in kept
    assert "made queue all: 30 images" in kept


def test_the_effort_of_an_image_comes_from_the_answers_that_there_are(groundloop: Groundloop, run_folder: Path) -> None:
    command = ("review", "new", "--from", str(run_folder), "--images", "photos", "--per", "effort")
    first = groundloop(*command, "first")
    assert "an image takes 4.0 s and 1.5 s for each object, by default" in first.out
    box = {"class_id": 1, "left": 4, "top": 5, "width": 10, "height": 11}
    for task in range(1, 31):
        add("first", task, boxes=[box] * (task % 5), seconds=2.0 + 3 * (task % 5))
    second = groundloop(*command, "second")
    assert "an image takes 2.0 s and 3.0 s for each object, by 30 answers" in second.out
    wrong = groundloop(*command, "third", "--per", "box")
    assert wrong.code == 1
    assert "image or effort" in wrong.error


def test_conditions_choose_instead(groundloop: Groundloop, run_folder: Path) -> None:
    from_run = ("review", "new", "q", "--from", str(run_folder), "--images", "photos", "--audit", "0")
    assert groundloop(*from_run, "--condition", "count(bolt) >= 2").code == 0
    queue = Queue.open(Path("reviews/q"))
    assert {task.selected_by for _, task in queue.tasks()} == {"condition"}
    queue.close()


@pytest.mark.parametrize(
    "options",
    [("--condition", "count(washer) != 2"), ("--condition", "doubtful"), ("--by", "condition"), ("--per", "box")],
    ids=["no such class", "no condition", "no condition given", "no such unit"],
)
def test_how_images_are_chosen_is_checked_before_objects_are_detected(
    groundloop: Groundloop, run_folder: Path, options: tuple[str, str]
) -> None:
    wrong = groundloop("review", "new", "q", "--images", "photos", "--model", str(run_folder), *options)
    assert wrong.code == 1
    assert wrong.error
    assert "detecting" not in wrong.out


def test_a_model_that_is_no_folder_is_named_before_what_an_execution_would_need(groundloop: Groundloop) -> None:
    wrong = groundloop("review", "new", "q", "--images", "photos", "--model", "ofline")
    assert wrong.code == 1
    assert wrong.error.startswith("there is no folder ofline: give the folder of a local run")
    assert "aws.bucket is not set" in wrong.error


def test_label_errors_name_the_option_that_they_need(groundloop: Groundloop) -> None:
    assert "--errors needs --from" in groundloop("review", "new", "q", "--errors").error


def test_existing_labels_are_shown_for_adjustment(groundloop: Groundloop, labelled: str) -> None:
    assert groundloop("review", "finish", labelled).code == 0
    again = ("review", "new", "again", "--labels", "reviews/reviewed.manifest", "--images", "photos")
    result = groundloop(*again)
    assert result.code == 0, result.err
    queue = Queue.open(Path("reviews/again"))
    tasks = [task for _, task in queue.tasks()]
    assert [(task.shown, len(task.boxes)) for task in tasks] == [(Shown.LABELS, 1), (Shown.LABELS, 0)]
    assert queue.info.classes == ("bolt", "nut")
    queue.close()


def test_finish_says_what_is_in_the_manifest_and_what_is_not(groundloop: Groundloop, labelled: str) -> None:
    result = groundloop("review", "finish", labelled, "--json")
    assert result.code == 0
    assert result.json | {"manifest": "", "all_queues": ""} == {
        "name": "week-47",
        "manifest": "",
        "labels": 2,
        "boxes": 1,
        "negatives": 1,
        "changed": 0,
        "train_only": 0,
        "unanswered": 27,
        "consolidated": 0,
        "disputed": 0,
        "outcomes": {"boxes": 2, "skip": 1, "bad-image": 0, "unsure": 0},
        "late": 0,
        "all_queues": "",
        "published": None,
    }


def test_status_tells_how_far_a_queue_is(groundloop: Groundloop, labelled: str) -> None:
    result = groundloop("review", "status", labelled, "--json")
    assert result.json["answered"] == 3
    assert result.json["reviewers"] == {"ann": {"answered": 3, "holds": 0}}
    assert "3 of 30 images answered" in groundloop("review", "status", labelled).out


@pytest.fixture
def disputed(photos_project: Path) -> str:
    """A queue of two photos that want two answers each: one has them, and on the other two people disagree."""
    tasks = [NewTask(source_ref=f"{number:02}.png", width=64, height=48) for number in range(2)]
    info = QueueInfo(name="two", classes=("bolt", "nut"), images="photos", answers=2, max_answers=2)
    Queue.create(Path("reviews/two"), info, tasks).close()
    add("two", 1)
    add("two", 1, "bob")
    add("two", 2)
    add("two", 2, "bob", boxes=[])
    return "two"


def test_disputed_images_are_told_and_somebody_is_named_to_decide(
    groundloop: Groundloop, disputed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "1, where the answers disagree, for somebody" in groundloop("review", "status", disputed).out
    finish = groundloop("review", "finish", disputed)
    assert "left out" in finish.out
    assert "1 whose answers disagree" in finish.out
    assert "1 images, from the boxes of several people" in finish.out
    assert "groundloop review serve two --adjudicator NAME" in finish.out

    served: list[list[str] | None] = []

    def serve(queue: Queue, reviewers: list[str] | None, *_: object, **__: object) -> None:
        served.append(reviewers)
        queue.close()

    monkeypatch.setattr("pipeline.cli.review.serving.serve_until_interrupted", serve)
    assert groundloop("review", "serve", disputed, "--reviewer", "bob", "--adjudicator", "ann").code == 0
    assert served == [["bob", "ann"]]
    status = groundloop("review", "status", disputed, "--json").json
    assert (status["waiting"], status["adjudication"], status["adjudicators"]) == (0, 1, ["ann"])
    assert "where the answers disagree, for ann" in groundloop("review", "status", disputed).out


def test_release_and_revoke_take_a_reviewers_tasks_and_links(groundloop: Groundloop, labelled: str) -> None:
    queue = Queue.open(Path("reviews") / labelled)
    queue.reviewers.invite("bob")
    queue.leases.task("bob", 5)
    queue.close()
    assert "1 images that bob held" in groundloop("review", "release", labelled, "bob").out
    assert groundloop("review", "release", labelled, "bob").out == "bob holds no images\n"
    unknown = groundloop("review", "release", labelled, "bbo")
    assert (unknown.code, unknown.out) == (1, "")
    assert "week-47 has no reviewer 'bbo'; its reviewers are ann, bob" in unknown.error
    assert groundloop("review", "revoke", labelled, "bob").code == 0
    assert "neither a link nor a session" in groundloop("review", "revoke", labelled, "bob").error


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["new", "q"], 2, "--images, --captured, --queue, --labels or --from", id="of nothing"),
        pytest.param(["new", "q", "--images", "photos"], 1, "--classes bolt,nut", id="no class"),
        pytest.param(["new", "q", "--images", "nowhere", "--classes", "a"], 1, "not a folder", id="no folder"),
        pytest.param(["new", "q", "--images", ".", "--classes", "a,a"], 1, "twice", id="a class twice"),
        pytest.param(["new", "q 1", "--images", "photos", "--classes", "a"], 1, "such as q-1", id="name"),
        pytest.param(["new", "../q", "--images", "photos", "--classes", "a"], 1, "can't name", id="path"),
        pytest.param(["new", "q", "--images", "photos", "--condition", "x"], 2, "need detections", id="condition"),
        pytest.param(["new", "q", "--from", "photos"], 1, "not the folder of a local run", id="no run"),
        pytest.param(["new", "week-47", "--images", "photos", "--classes", "a"], 1, "exists already", id="again"),
        pytest.param(["status", "none"], 1, "there are week-47", id="unknown queue"),
        pytest.param(["serve", "week-47", "--host", "192.0.2.1"], 1, "--tls-cert", id="open address"),
        pytest.param([], 2, "--from", id="no command"),
    ],
)
@pytest.mark.usefixtures("labelled")
def test_mistakes_are_explained(groundloop: Groundloop, arguments: list[str], code: int, message: str) -> None:
    result = groundloop("review", *arguments)
    assert result.code == code
    assert message in result.err


def test_publish_uploads_images_and_a_manifest_named_by_its_content(
    groundloop: Groundloop, aws: LocalAws, labelled: str
) -> None:
    project = ["-c", str(Path(__file__).parents[3] / "configs" / "local.yaml")]
    first = groundloop("review", "finish", labelled, "--publish", "--json", *project)
    assert first.code == 0, first.err
    assert groundloop("review", "finish", labelled, "--publish", "--json", *project).json == first.json
    s3 = client("s3", "us-east-1")
    key = first.json["published"].removeprefix("s3://groundloop-local/")
    lines = [json.loads(line) for line in s3.get_object(Bucket="groundloop-local", Key=key)["Body"].iter_lines()]
    assert [line["source-ref"] for line in lines] == [
        f"s3://groundloop-local/groundloop/images/photos/{number:02}.png" for number in (0, 1)
    ]
    uploaded = s3.get_object(Bucket="groundloop-local", Key="groundloop/images/photos/00.png")["Body"].read()
    assert uploaded == Path("photos/00.png").read_bytes()
    add(labelled, 4)
    changed = groundloop("review", "finish", labelled, "--publish", "--json", *project).json["published"]
    assert changed != first.json["published"]


def test_files_of_two_folders_with_one_name_stay_two_images(groundloop: Groundloop, labelled: str) -> None:
    assert groundloop("review", "finish", labelled).code == 0
    Path("more").mkdir()
    Path("photos/00.png").rename("more/00.png")
    assert groundloop("review", "new", "round-2", "--images", "more", "--classes", "bolt,nut").code == 0
    add("round-2", 1)
    finished = groundloop("review", "finish", "round-2")
    lines = [json.loads(line)["source-ref"] for line in Path("reviews/reviewed.manifest").read_bytes().splitlines()]
    assert lines == [
        f"s3://groundloop-local/images/{name}" for name in ("more/00.png", "photos/00.png", "photos/01.png")
    ]
    assert "groundloop local run --labels reviews/reviewed.manifest --images .\n" in finished.out


def test_the_demo_ends_with_the_page_on_its_own_doubts(
    groundloop: Groundloop, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[tuple[str, int, bool]] = []

    def serve(queue: Queue, reviewers: list[str] | None, address: Address, *, browser: bool) -> None:
        served.append((queue.info.name, queue.progress("").total, browser))
        assert queue.info.images == str(run_folder.resolve() / "data" / "images")
        queue.close()

    def draw(folder: Path, *_: object) -> Path:
        (folder / "images").mkdir(parents=True)
        return folder / "output.manifest"

    monkeypatch.setattr("pipeline.demo.synthetic_images.write_dataset", draw)
    monkeypatch.setattr("pipeline.demo.offline_run.new_home", lambda: run_folder)
    monkeypatch.setattr(
        "pipeline.demo.offline_run.offline_aws", lambda *_: nullcontext(SimpleNamespace(endpoint_url=""))
    )
    monkeypatch.setattr("pipeline.demo.offline_run.upload_labels", lambda *_: None)
    monkeypatch.setattr("pipeline.cli.run_summary.run_and_report", lambda *_: None)
    monkeypatch.setattr("pipeline.compiled.compile_ahead", lambda _: None)
    monkeypatch.setattr("pipeline.cli.review.serving.serve_until_interrupted", serve)
    result = groundloop("demo", "--images", "60", "--review", "--no-browser")
    assert result.code == 0, result.err
    assert served == [("review-run", 30, False)]
    assert "go on:   groundloop review serve review-run" in result.out
    assert "serve its page" not in result.out, "it is being served"


def test_a_queue_of_doubts_is_continued_and_says_when_it_is_answered(
    groundloop: Groundloop, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.cli.review.serving.serve_until_interrupted", lambda queue, *_, **__: queue.close())
    command = ("review", "--from", str(run_folder), "--images", "photos", "--limit", "2")
    assert "made queue review-run: 2 images" in groundloop(*command).out
    add("review-run", 1)
    again = groundloop(*command).out
    assert "review-run: 2 images, 1 answered" in again
    assert "note" not in again
    add("review-run", 2)
    assert f"groundloop review new NAME --from {run_folder}" in groundloop(*command).out


def test_how_browsers_get_images_is_set_for_a_queue_and_changed_for_a_page(
    groundloop: Groundloop, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[str] = []

    def serve(queue: Queue, *_: object, **__: object) -> None:
        served.append(queue.info.image_access)
        queue.close()

    monkeypatch.setattr("pipeline.cli.review.serving.serve_until_interrupted", serve)
    new = ("review", "new", "q", "--images", "photos", "--classes", "bolt", "-s", "review.images=presigned")
    assert "these are on disk, so the page's server sends them" in groundloop(*new).out
    groundloop("review", "serve", "q", "--no-browser")
    groundloop("review", "serve", "q", "--no-browser", "--images", "proxied")
    assert served == ["presigned", "proxied"]
