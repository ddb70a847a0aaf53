"""`groundloop review push` and `pull`, as they are typed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from groundloop.review.queue import NewTask, Queue, QueueInfo
from groundloop.review.wire import Shown, ShownBox
from tests.fixtures.cli import Groundloop
from tests.groundloop.review.exchange.fake_label_studio import FakeLabelStudio
from tests.groundloop.review.exchange.fake_server import TOKEN, URL


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeLabelStudio:
    """A Label Studio, and a queue of two images in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    box = ShownBox(class_id=0, left=1, top=1, width=8, height=8, score=0.9)
    tasks = [
        NewTask(source_ref=f"s3://photos/{name}.png", width=20, height=20, shown=Shown.MODEL, boxes=(box,))
        for name in "ab"
    ]
    info = QueueInfo(name="week-47", classes=("bolt",), region="eu-west-1")
    Queue.create(tmp_path / "reviews" / "week-47", info, tasks).close()
    server = FakeLabelStudio()
    monkeypatch.setattr("urllib3.PoolManager", lambda **_: server)
    return server


def test_a_queue_is_pushed_pulled_finished_and_cleaned_up(studio: FakeLabelStudio, groundloop: Groundloop) -> None:
    pushed = groundloop("review", "push", "week-47", "label-studio", "--url", URL)
    assert (pushed.code, pushed.err) == (0, "note: the token and the images travel unencrypted: use an https URL\n")
    assert "week-47: 2 images with 2 boxes pushed" in pushed.out
    assert "groundloop review pull week-47 label-studio" in pushed.out
    assert groundloop("review", "push", "week-47", "label-studio", "--json").json["known"] == 2

    first, second = studio.tasks
    studio.annotate(first, None)
    turned = studio.annotate(second, None)["result"][0]
    turned["value"] = {**turned["value"], "rotation": 10}
    pulled = groundloop("review", "pull", "week-47", "label-studio")
    assert "week-47: 2 of 2 images are finished: 2 new answers" in pulled.out
    assert pulled.err == "note: s3://photos/b.png: a rotated box became the upright box around it\n"
    cleaned = groundloop("review", "pull", "week-47", "label-studio", "--cleanup", "--json").json
    assert (cleaned["new"], cleaned["known"], cleaned["deleted"]) == (0, 2, True)
    assert groundloop("review", "finish", "week-47", "--json").json["labels"] == 2


def test_mistakes_are_one_line_and_the_token_is_never_an_option(
    studio: FakeLabelStudio, groundloop: Groundloop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert groundloop("review", "pull", "week-47", "label-studio").error.startswith("week-47 was not pushed")
    assert groundloop("review", "push", "week-47", "labelbox").code == 2
    assert "token" not in " ".join(groundloop("review", "push", "--help").out.split("--")[1:])
    monkeypatch.delenv("LABEL_STUDIO_API_KEY")
    result = groundloop("review", "push", "week-47", "label-studio", "--url", URL)
    assert (result.code, result.error.count("\n")) == (1, 0)
    assert result.error.startswith("set LABEL_STUDIO_API_KEY to a token")
    shutil.rmtree("reviews")
    assert "there is no queue" in groundloop("review", "push", "week-47", "cvat").error
