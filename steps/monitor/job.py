"""The Monitor job: compares captured requests with the baseline, queues images for review, and may start training."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from datetime import datetime, timedelta

from groundloop.aws import client, explain
from groundloop.detections.drift.comparison import DriftTest, compare
from groundloop.detections.drift.limits import parse_limits
from groundloop.detections.drift.window import Window
from groundloop.detections.expected_mistakes import doubt
from groundloop.errors import UserError
from groundloop.executions.retraining import start_when_due
from groundloop.models.packages import reviewed_manifests
from groundloop.review.mixed_selection import Mix
from groundloop.review.queue_manifest import FILE_NAME
from groundloop.s3 import join_uri
from steps import jobs
from steps.jobs import say
from steps.monitor.arguments import limits_by_statistic, parse, parse_time
from steps.monitor.metrics import WindowMetrics, put_metrics
from steps.monitor.queueing import (
    DRIFT_FILE,
    TIME_FOLDER,
    calibration_of,
    data_set_of,
    divide_room,
    earlier_queues,
    new_images,
    write_queue,
)
from steps.monitor.results import VariantResult, message_of, say_result, time_text, write_report
from steps.monitor.served import Served, served
from steps.monitor.window import read_window
from steps.prepare.outputs import write_json


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return 0, or 1 after a user's mistake. Drift is none: the pipeline decides on it."""
    arguments = parse(argv)
    return jobs.run(lambda: monitor(arguments), arguments.message_file)


def monitor(arguments: Namespace) -> str:
    """Start training if it is due, compare the window, write and return the message.

    Raises:
        UserError: the endpoint can't be compared, or AWS rejects a request.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    until = parse_time(arguments.until)
    try:
        retraining = None if arguments.retrain_at is None else _retrain(arguments)
        return _monitor(arguments, until, retraining)
    except (BotoCoreError, ClientError) as error:
        raise UserError(explain(error)) from None


def _retrain(arguments: Namespace) -> str:
    """Start training if enough reviewed labels are new, and return what was counted, or why it was not."""
    region, at = arguments.region, arguments.retrain_at
    try:
        trained = reviewed_manifests(region, arguments.group)
        text = start_when_due(region, arguments.pipeline, f"{arguments.root}/reviews", at, trained).message(at)
    except UserError as error:  # the requests are looked at all the same
        text = f"reviewed labels were not counted: {error}"
    say(text)
    return text


def _monitor(arguments: Namespace, until: datetime, retraining: str | None) -> str:
    found = served(arguments.region, arguments.endpoint, arguments.group, arguments.captures)
    earliest = until - timedelta(hours=arguments.hours)
    start = found.window_start(earliest)
    if start > earliest:
        say(f"the endpoint serves these versions since {time_text(start)}: earlier requests are left out")
    # Of versions that came after the window's end, which is a whole second, the window is empty.
    since = min(start, until)
    test = DriftTest(
        false_alarm=arguments.false_alarm,
        min_images=arguments.min_images,
        limits=parse_limits(limits_by_statistic(arguments.limit), "monitor.limits"),
    )
    results = _variants(arguments, found, since, until, test)
    for result in results:
        say_result(result)
    alarms = sum(result.alarms() for result in results)
    # Other images alone may change nothing for the model, as a little blur: that is told, and to be watched.
    failures = sum(result.alarms(images=arguments.fail_on_input) for result in results)
    message = message_of(arguments.endpoint, results, since, until)
    folder = arguments.output / "monitoring" / until.strftime(TIME_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "endpoint": arguments.endpoint,
        "since": time_text(since),
        "until": time_text(until),
        "alarms": alarms,
        "message": message,
        "retraining": retraining,
        "variants": [result.as_json() for result in results],
    }
    write_json(folder / DRIFT_FILE, content)
    write_report(folder, arguments.endpoint, results, since, until)
    # The part that the pipeline itself reads.
    verdict = arguments.output / "verdict"
    verdict.mkdir(parents=True, exist_ok=True)
    write_json(verdict / "verdict.json", {"failures": failures, "message": message})
    if arguments.namespace:
        metrics = [result.metrics for result in results]
        cloudwatch = client("cloudwatch", arguments.region)
        put_metrics(cloudwatch, arguments.namespace, arguments.endpoint, metrics, until)
    say(message)
    return message


def _variants(
    arguments: Namespace, found: Served, since: datetime, until: datetime, test: DriftTest
) -> list[VariantResult]:
    """Read, compare and queue the requests of each variant."""
    from groundloop.detections.captures.files import capture_files

    s3 = client("s3", arguments.region)
    captured_uri = join_uri(arguments.root, "captured")
    monitoring = join_uri(arguments.root, f"monitoring/{arguments.endpoint}")
    windows = []
    for variant in found.variants:
        files = capture_files(variant.captures, arguments.region, since, until)
        window = Window(variant.baseline)
        captured = read_window(
            files,
            window,
            since,
            until,
            is_of_variant=variant.answered,
            max_images=arguments.max_images,
            place=captured_uri,
        )
        windows.append((variant, files, captured))
    earlier = earlier_queues(s3, monitoring, since, until)
    drifts = [compare(variant.baseline, captured.window.sample, test) for variant, _, captured in windows]
    room = earlier.room(arguments.queue, drift=any(drift.found for drift in drifts))
    rooms = divide_room(room, [len(captured.captured) for _, _, captured in windows])
    results = []
    for (variant, files, captured), drift, images in zip(windows, drifts, rooms, strict=True):
        package, queued = variant.package, None
        calibration = calibration_of(s3, package)
        if images and drift.decided:
            names = sorted(captured.captured)
            data_set = data_set_of(s3, package, arguments.root)
            new = new_images(s3, names, captured_uri, earlier, data_set.names)
            train_only = not data_set.takes_for_test(captured_uri)
            if train_only:
                say(
                    f"queued images are for the train split only: the test images lie in {data_set.test_bucket}, and "
                    "Batch Transform reads the images of one bucket"
                )
            manifest = FILE_NAME if len(windows) == 1 else f"review-{variant.name}.manifest"
            queued = write_queue(
                arguments.output,
                captured,
                files,
                new,
                package=package,
                calibration=calibration,
                images=images,
                mix=Mix(*arguments.mix),
                train_only=train_only,
                name=_queue_name(arguments.endpoint, until),
                uri=f"{monitoring}/{until.strftime(TIME_FOLDER)}/{manifest}",
                until=until,
            )
        doubts = [
            doubt(one.candidate.detections, calibration, package.thresholds) for one in captured.captured.values()
        ]
        metrics = WindowMetrics(
            variant=variant.name,
            images=len(captured.window),
            input_p_value=drift.input.p_value,
            answers_p_value=drift.answers.p_value,
            boxes_per_image=sum(int(one.counted.sum()) for one in doubts) / len(doubts) if doubts else None,
            doubtful=sum(one.mistakes >= 1 for one in doubts) / len(doubts) if doubts else None,
        )
        results.append(VariantResult(variant, captured, drift, metrics, queued))
    return results


def _queue_name(endpoint: str, until: datetime) -> str:
    return f"{endpoint}-{until:%Y-%m-%dT%H-%M-%SZ}"


if __name__ == "__main__":
    raise SystemExit(main())
