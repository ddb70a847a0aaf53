"""`groundloop demo --drift`: from an alarm of the endpoint to a version that was trained on reviewed images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.cli.output import print_line, print_values

if TYPE_CHECKING:
    from groundloop.models.packages import Package
    from pipeline.config import Config
    from pipeline.demo.drift_loop import Scene

#: Requests of each light: more than the fewest with which a window is decided.
REQUESTS = 60
#: Labelled images of the first version, and epochs of both, that make the loop short and its end worth showing.
IMAGES = 140
_EPOCHS, _MORE_EPOCHS = 10, 4
_QUEUE = 40
_BUCKET = "groundloop-demo"


def demo_drift(images: int = IMAGES, requests: int = REQUESTS, epochs: int = _EPOCHS) -> None:
    """Run the loop and print each station with its figures.

    Args:
        images: number of labelled images for the first version.
        requests: number of scenes that are sent in each light.
        epochs: of the first training.
    """
    from pipeline.cli.local.settings import load_local, program_name
    from pipeline.compiled import compile_ahead
    from pipeline.extras import require

    require("moto", "sagemaker")
    first = settings_of(epochs=epochs, requests=requests)
    config = load_local(None, first, project=False)
    compile_ahead(config)
    from pipeline.demo.drift_loop import DARKER, DriftLoop, scenes
    from pipeline.demo.offline_run import new_home, offline_aws, upload_labels
    from pipeline.demo.synthetic_images import write_dataset

    home = new_home()
    manifest = write_dataset(home / "data", images, _BUCKET)
    with offline_aws(config, home) as aws:
        print_line(f"offline AWS at {aws.endpoint_url}: {images} drawn images with labels")
        upload_labels(config, manifest, home / "data" / "images", lambda _: None)
        loop = DriftLoop(config, home, lambda _: None)
        loop.upsert()
        _station("train", "the first version, from all labels")
        one = loop.train()
        _version(one)
        loop.approve(one, "the demo's first version")
        print_line(f"  approved: the endpoint serves version {one.version}, and captures every request")

        usual, darker = list(scenes(requests, 101)), list(scenes(requests, 102, DARKER))
        _station("usual light", f"{requests} scenes are sent")
        print_line(f"  found {_share(loop.send(usual), usual)}")
        quiet = loop.monitor()
        _alarm(quiet)
        _station("darker light", f"{requests} scenes with {DARKER:.0%} of the light are sent")
        before = loop.send(darker)
        print_line(f"  found {_share(before, darker)}")
        alarm = loop.monitor()
        _alarm(alarm)

        _station("review", "people look at the queue; the demo drew the scenes and stands in for them")
        queue = alarm["variants"][0]["queue"]
        if queue is None:
            _missing("no image was queued")
        chosen = ", ".join(f"{count} {how}" for how, count in sorted(queue["selected_by"].items()))
        print_line(f"  {queue['images']} images: {chosen}")
        loop.upsert(load_local(None, settings_of(epochs=_MORE_EPOCHS, requests=requests, champion=True), project=False))
        print_line(f"  {loop.review(queue['uri'])}")

        _station("retrain", "started by the labels, from the champion")
        two = loop.retrained()
        _version(two)
        print_line(f"  started from version {one.version}, with {two.summary['reviewed']['used']} reviewed labels")
        served = loop.approve(two, "trained on reviewed images of the darker light")
        print_line(f"  approved: the endpoint serves version {served.version}")
        _station("darker light again", "the same scenes")
        after = loop.send(darker)
        print_line(f"  found {_share(after, darker)}; version {one.version} had found {before}")
        page = home / "drift.html"
        page.write_bytes(_report(config, alarm["folder"]))
    print_line()
    print_values(
        {
            "report": f"{page}: what differed, with the images most unlike the baseline",
            "next": f"{program_name()} local --demo, to try the commands on an offline AWS of your own",
        }
    )


def settings_of(*, epochs: int, requests: int, champion: bool = False) -> list[str]:
    """Return the settings of the loop.

    Args:
        epochs: of the training.
        requests: images that the monitor looks at.
        champion: train from the champion's weights.
    """
    return [
        f"aws.bucket={_BUCKET}",
        f"labels.manifest=s3://{_BUCKET}/labels/output.manifest",
        f"training.hyperparameters.epochs={epochs}",
        *(["training.start_from=champion", "training.hyperparameters.learning_rate=0.001"] if champion else []),
        "evaluate.intervals.resamples=100",
        "registry.approval_status=PendingManualApproval",
        "deploy={mode: on_approval, endpoint: {data_capture_percent: 100}}",
        f"monitor={{max_images: {requests}, min_images: {min(50, requests)}, review: {{images: {_QUEUE}}}}}",
        f"triggers.retrain_when={{reviewed: {_QUEUE // 2}}}",
    ]


def _station(name: str, text: str) -> None:
    print_line(f"\n{name}: {text}")


def _version(version: Package) -> None:
    metrics = version.evaluation
    tested = metrics["images"]["test"]
    print_line(f"  version {version.version}: AP50 {metrics['map_50']:.3f} on {tested} test images (offline stand-in)")


def _share(found: int, sent: list[Scene]) -> str:
    parts = sum(len(scene.drawn.objects) for scene in sent)
    return f"{found} of {parts} parts ({found / max(1, parts):.0%})"


def _alarm(result: dict[str, object]) -> None:
    message = str(result["message"]).partition(". Window:")[0]
    print_line(f"  {'ALARM, the execution fails in DriftFound' if result['alarms'] else 'no alarm'}: {message}")


def _missing(text: str) -> None:
    from groundloop.errors import UserError

    raise UserError(text)


def _report(config: Config, folder: str) -> bytes:
    from groundloop.aws import client
    from groundloop.s3 import join_uri, read_bytes

    return read_bytes(client("s3", config.aws.region), join_uri(folder, "report.html"))
