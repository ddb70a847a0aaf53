"""The Monitor job over captured requests in S3: verdict, queue, metrics, and what repeating it changes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import boto3
import pytest

from groundloop.errors import UserError
from groundloop.labels.manifest import ManifestReader
from groundloop.review.queue_manifest import read_queue
from groundloop.review.wire import Shown
from steps.monitor import job
from steps.monitor.arguments import parse_time
from tests.steps.monitor.conftest import ENDPOINT, ROOT, UNTIL, Endpoint, Photo, package_of


def test_what_resembles_the_baseline_is_no_drift(endpoint: Endpoint, plain: list[Photo]) -> None:
    endpoint.capture(plain)
    found = endpoint.monitor()
    assert (found["alarms"], found["verdict"]["failures"]) == (0, 0)
    assert "no drift (40 images)" in endpoint.message == found["message"]
    (variant,) = found["variants"]
    assert (variant["images"], variant["requests"], variant["notes"]) == (40, 40, [])


def test_darker_images_and_their_answers_are_two_alarms(endpoint: Endpoint, dark: list[Photo]) -> None:
    endpoint.capture(dark)
    found = endpoint.monitor()
    assert (found["alarms"], found["verdict"]["failures"]) == (2, 1), "images and answers; answers fail the execution"
    assert endpoint.monitor("--fail-on-input")["verdict"]["failures"] == 2
    assert "the answers differ from the baseline (p = 0.001)" in found["verdict"]["message"]
    assert "the images differ from the baseline (p = 0.001): brightness" in found["verdict"]["message"]
    assert f"wait for review in {ROOT}/monitoring/{ENDPOINT}/2026-11-21T12-30-00Z/review.manifest" in endpoint.message
    assert b"brightness" in endpoint.read(f"{ROOT}/monitoring/{ENDPOINT}/2026-11-21T12-30-00Z/report.html")


def test_images_alone_that_differ_are_told_and_fail_nothing_by_default(
    endpoint: Endpoint, plain: list[Photo], dark: list[Photo]
) -> None:
    endpoint.capture([Photo(image.content, answered.rows) for image, answered in zip(dark, plain, strict=True)])
    found = endpoint.monitor()
    assert (found["alarms"], found["verdict"]["failures"]) == (1, 0)
    assert "the images differ from the baseline" in found["message"]
    assert endpoint.monitor("--fail-on-input")["verdict"]["failures"] == 1


def test_a_limit_is_an_alarm_of_its_own(endpoint: Endpoint, plain: list[Photo]) -> None:
    endpoint.capture(plain)
    found = endpoint.monitor("--limit=boxes.min_mean=5")
    assert found["alarms"] == 1
    assert "the mean of boxes is" in found["message"]
    assert "at least 5" in found["message"]


@pytest.mark.parametrize(
    ("sent", "count"), [pytest.param(0, 0, id="no request"), pytest.param(10, 10, id="fewer than the minimum")]
)
def test_a_window_that_is_too_small_decides_nothing(
    endpoint: Endpoint, dark: list[Photo], sent: int, count: int
) -> None:
    if sent:
        endpoint.capture(dark[:sent])
    found = endpoint.monitor()
    assert found["alarms"] == 0
    assert "nothing was decided" in found["message"]
    assert found["variants"][0]["images"] == count
    assert endpoint.queued(found) == []


def test_only_the_window_counts_and_of_it_the_newest(endpoint: Endpoint, plain: list[Photo], dark: list[Photo]) -> None:
    endpoint.capture(dark, at=UNTIL - timedelta(hours=25))
    endpoint.capture(plain[:15], at=UNTIL - timedelta(hours=3))
    endpoint.capture(plain[15:], at=UNTIL - timedelta(hours=1))
    endpoint.capture(dark, at=UNTIL + timedelta(minutes=1))
    assert endpoint.monitor()["variants"][0]["images"] == 40
    assert endpoint.monitor("--max-images", "22")["variants"][0]["images"] == 22
    assert endpoint.monitor("--hours", "2")["variants"][0]["images"] == 25


def test_requests_of_an_earlier_version_are_left_out(
    endpoint: Endpoint, plain: list[Photo], dark: list[Photo], capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.capture(dark, at=UNTIL - timedelta(hours=3))
    endpoint.capture(plain, at=UNTIL - timedelta(hours=1))
    endpoint.served = replace(endpoint.served, since=UNTIL - timedelta(hours=2))
    found = endpoint.monitor()
    assert (found["alarms"], found["since"]) == (0, "2026-11-21T10:30:00Z")
    assert "serves these versions since 2026-11-21T10:30:00Z" in capsys.readouterr().out


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(timedelta(milliseconds=300), id="in the second of the run"),
        pytest.param(timedelta(hours=2), id="after the window"),
    ],
)
def test_no_request_is_of_versions_that_are_served_since_the_window_ended(
    endpoint: Endpoint, dark: list[Photo], later: timedelta
) -> None:
    endpoint.capture(dark, at=UNTIL - timedelta(hours=1))
    endpoint.served = replace(endpoint.served, since=UNTIL + later)
    found = endpoint.monitor()
    assert (found["alarms"], found["variants"][0]["images"]) == (0, 0)
    assert "nothing was decided" in found["message"]


def test_an_image_that_was_sent_often_counts_once(endpoint: Endpoint, plain: list[Photo]) -> None:
    endpoint.capture([*plain, *plain[:5] * 20])
    (variant,) = endpoint.monitor()["variants"]
    assert (variant["images"], variant["requests"]) == (40, 140)


def test_what_cannot_be_used_is_noted(endpoint: Endpoint, plain: list[Photo]) -> None:
    foreign = [Photo(photo.content, [[7, 0.9, 0.1, 0.1, 0.2, 0.2]]) for photo in plain[:2]]
    cut_off = [Photo(photo.content[:length], photo.rows) for photo, length in zip(plain[2:4], (100, 700), strict=True)]
    endpoint.capture([*foreign, *cut_off, *plain[4:]])
    endpoint.put(f"capture/{ENDPOINT}/AllTraffic/2026/11/21/11/x.jsonl", b'{"captureData": {"endpo')
    (variant,) = endpoint.monitor()["variants"]
    notes = "\n".join(variant["notes"])
    assert "2 requests can't be used, first" in notes
    assert "class" in notes
    assert "2 images can't be read, first" in notes
    assert "1 captured line gives no request" in notes


def test_each_variant_is_compared_with_its_own_version(
    endpoint: Endpoint, plain: list[Photo], dark: list[Photo]
) -> None:
    (first,) = endpoint.served.variants
    other = replace(
        first,
        name="Challenger",
        package=package_of(8),
        captures=f"{ROOT}/capture/{ENDPOINT}/Challenger",
        takes_unknown=False,
    )
    endpoint.served = replace(endpoint.served, variants=(first, other))
    endpoint.capture(plain)
    endpoint.capture(dark, variant="Challenger")
    found = endpoint.monitor()
    assert [variant["drift"] for variant in found["variants"]] == [False, True]
    assert "variant Challenger, version 8: the answers differ" in found["message"]
    assert [variant["queue"]["uri"].rpartition("/")[2] for variant in found["variants"]] == [
        "review-AllTraffic.manifest",
        "review-Challenger.manifest",
    ]
    assert sum(variant["queue"]["images"] for variant in found["variants"]) == 10
    odd = endpoint.monitor("--queue", "13", until=UNTIL + timedelta(minutes=20))
    assert sum(variant["queue"]["images"] for variant in odd["variants"]) == 3, "13 in a window, of which 10 are queued"


def test_the_queue_is_a_manifest_with_predictions_as_boxes(endpoint: Endpoint, dark: list[Photo]) -> None:
    endpoint.capture(dark)
    uri = endpoint.monitor()["variants"][0]["queue"]["uri"]
    content = endpoint.read(uri)
    reader = ManifestReader("bounding-box")
    assert all(reader.read_line(number, line).record for number, line in enumerate(content.splitlines(), start=1))
    tasks, classes, model = read_queue(content, uri)
    assert (classes, model.thresholds) == (("bolt", "nut"), {"bolt": 0.5, "nut": 0.5})
    assert {task.selected_by for task in tasks} == {"strange", "expected-mistakes", "audit"}
    assert {task.split for task in tasks if task.selected_by != "audit"} == {"train"}
    assert {task.split for task in tasks if task.selected_by == "audit"} == {None}, "drawn at random: for any split"
    assert {task.shown for task in tasks} == {Shown.MODEL, Shown.NOTHING}
    assert any(box.score for task in tasks for box in task.boxes)
    sent = {f"{ROOT}/captured/{sha256(photo.content).hexdigest()}.jpg": photo.content for photo in dark}
    assert all(endpoint.read(task.source_ref) == sent[task.source_ref] for task in tasks)


def test_two_runs_of_one_window_queue_no_image_twice_and_no_more_than_it_may_have(
    endpoint: Endpoint, dark: list[Photo]
) -> None:
    endpoint.capture(dark)
    first = endpoint.queued(endpoint.monitor("--queue", "12"))
    later = UNTIL + timedelta(minutes=20)
    assert endpoint.queued(endpoint.monitor("--queue", "12", until=later)) == [], "the window has its queue"
    second = endpoint.queued(endpoint.monitor("--queue", "20", until=later + timedelta(minutes=20)))
    assert (len(first), len(second)) == (12, 8)
    assert not set(first) & set(second)


def test_a_run_that_is_repeated_writes_the_same(endpoint: Endpoint, dark: list[Photo]) -> None:
    endpoint.capture(dark)
    first = endpoint.monitor()
    manifest = endpoint.read(first["variants"][0]["queue"]["uri"])
    assert endpoint.monitor() == first
    assert endpoint.read(first["variants"][0]["queue"]["uri"]) == manifest


def test_drift_has_a_queue_whatever_was_queued_before_it(
    endpoint: Endpoint, plain: list[Photo], dark: list[Photo]
) -> None:
    endpoint.capture(plain, at=UNTIL - timedelta(hours=3))
    before = endpoint.queued(endpoint.monitor(until=UNTIL - timedelta(hours=2)))
    endpoint.capture(dark)
    after = endpoint.queued(endpoint.monitor())
    assert (len(before), len(after)) == (10, 10)


def test_images_of_the_training_data_are_not_queued(endpoint: Endpoint, plain: list[Photo]) -> None:
    known = [f"s3://bucket/groundloop/captured/{sha256(photo.content).hexdigest()}.jpg" for photo in plain[:35]]
    lines = b"".join(json.dumps({"source-ref": name}).encode() + b"\n" for name in known)
    endpoint.put("training-data/0a1b/train.manifest", lines)
    endpoint.capture(plain)
    queued = endpoint.queued(endpoint.monitor())
    assert 0 < len(queued) <= 5
    assert not set(queued) & set(known)


def test_images_in_another_bucket_than_the_test_images_are_for_training_only(
    endpoint: Endpoint, plain: list[Photo]
) -> None:
    endpoint.put("test.manifest", b'{"source-ref": "s3://photos/1.jpg"}\n')
    endpoint.capture(plain)
    uri = endpoint.monitor()["variants"][0]["queue"]["uri"]
    assert {task.split for task in read_queue(endpoint.read(uri), uri)[0]} == {"train"}


def test_without_a_queue_nothing_is_copied(endpoint: Endpoint, dark: list[Photo]) -> None:
    endpoint.capture(dark)
    found = endpoint.monitor("--queue", "0")
    assert found["variants"][0]["queue"] is None
    assert not [key for key in endpoint.files if key.startswith("captured/")]


def test_scores_without_a_calibration_are_said(
    endpoint: Endpoint, dark: list[Photo], capsys: pytest.CaptureFixture[str]
) -> None:
    endpoint.capture(dark)
    endpoint.monitor()
    assert "scores count as they are: s3://bucket/groundloop/detections.csv.gz" in capsys.readouterr().out


def test_labels_that_cannot_be_counted_leave_the_window_to_be_compared(
    endpoint: Endpoint, plain: list[Photo], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> list[str]:
        raise UserError("there is no pipeline 'bolts'")

    monkeypatch.setattr(job, "reviewed_manifests", fail)
    endpoint.capture(plain)
    found = endpoint.monitor("--retrain-at", "50", "--pipeline", "bolts")
    assert found["retraining"] == "reviewed labels were not counted: there is no pipeline 'bolts'"
    assert found["variants"][0]["images"] == 40


def test_metrics_go_to_cloudwatch(endpoint: Endpoint, dark: list[Photo]) -> None:
    endpoint.capture(dark)
    endpoint.monitor("--namespace", "groundloop")
    listed = boto3.client("cloudwatch").list_metrics(Namespace="groundloop")["Metrics"]
    assert {metric["MetricName"] for metric in listed} == {
        "AnswerDrift",
        "BoxesPerImage",
        "Doubtful",
        "Images",
        "InputDrift",
    }
    assert {(item["Name"], item["Value"]) for metric in listed for item in metric["Dimensions"]} == {
        ("Endpoint", ENDPOINT)
    }


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-11-22T03:00:00.123Z", id="with Z"),
        pytest.param("2026-11-22T03:00:00.123456+00:00", id="with an offset"),
        pytest.param("2026-11-22T03:00:00", id="without"),
        pytest.param("1795316400", id="seconds"),
        pytest.param("1795316400123", id="milliseconds"),
    ],
)
def test_the_start_of_an_execution_is_read(text: str) -> None:
    assert parse_time(text).isoformat() == "2026-11-22T03:00:00+00:00"


def test_another_text_is_no_time() -> None:
    with pytest.raises(UserError, match="not a time in ISO 8601"):
        parse_time("yesterday")


def test_a_wrong_limit_is_refused(endpoint: Endpoint, plain: list[Photo]) -> None:
    endpoint.capture(plain)
    with pytest.raises(AssertionError, match=r"write it as STATISTIC\.min_mean=NUMBER"):
        endpoint.monitor("--limit=boxes=5")
