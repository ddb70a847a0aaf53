"""How often drift is found, and how often there is a false alarm: `python -m benchmarks.drift`.

A detector is trained once by `groundloop local run`: on 240 of the demo's scenes, or on the labels that `--labels` and
`--images` name; `--run FOLDER` takes the run of an earlier call. Images that it was not trained on are split at random
into a baseline and a window of 50 images, 100 times; the window's are changed as each row says, before the detector
sees them. Printed is in how many windows images and answers raise an alarm (at p 0.01), and the mean number of boxes.
Of labelled images each row must raise the alarms that its change calls for. What a change does to the answers depends
on the detector: that of the demo's scenes is hardly disturbed by some, and there either alarm will do.

`--cost` measures instead what 1,000 captured requests of 1280 x 960 pixels take: CPU seconds, which are steady on a
busy machine, and peak memory of `groundloop drift` in a process of its own; it uses one thread.
"""

from __future__ import annotations

import io
import json
import random
import resource
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from groundloop.detections.drift.baseline import Baseline
from groundloop.detections.drift.comparison import DriftTest, compare
from groundloop.detections.drift.sample import Sample
from groundloop.detections.drift.statistics import detection_statistics, image_statistics
from groundloop.detections.predictions import Detections
from groundloop.images.local import ImageFolder
from groundloop.prediction.model_files import OpenedModel, open_model
from groundloop.spec.data_capture import (
    INPUT,
    OUTPUT,
    CaptureData,
    CapturedData,
    CaptureRecord,
    ContentTypes,
    EventMetadata,
    capture_name,
)
from pipeline.demo.synthetic_images import CLASSES, draw_image, write_dataset

WINDOWS, WINDOW = 100, 50
SCENES, NEW_SCENES = 240, 180
REQUESTS, REQUEST_SIZE = 1000, (1280, 960)
MAX_FALSE_ALARMS, MIN_DETECTED = 0.05, 0.90
MAX_SECONDS, MAX_MEGABYTES = 60, 300
#: The command line, in the interpreter of this benchmark.
PROGRAM = (sys.executable, "-c", "from pipeline.cli import main; main()")
_QUALITY = 95

Change = Callable[[Image.Image], Image.Image]


def _darker(share: float) -> Change:
    return lambda image: image.point(lambda value: value * (1 - share))


def _zoomed(factor: float) -> Change:
    def change(image: Image.Image) -> Image.Image:
        width, height = image.width / factor, image.height / factor
        left, top = (image.width - width) / 2, (image.height - height) / 2
        box = (round(left), round(top), round(left + width), round(top + height))
        return image.resize(image.size, Image.Resampling.BICUBIC, box=box)

    return change


def _noisy(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image, dtype=np.float64)
    noise = np.random.default_rng(int(pixels.sum())).normal(0, 15, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


@dataclass(frozen=True)
class Corruption:
    """A change of the images, and which alarms it has to raise."""

    name: str
    change: Change
    input: bool = False
    answers: bool = False


CORRUPTIONS = (
    Corruption("nothing changed", lambda image: image),
    Corruption("15 % darker", _darker(0.15), input=True, answers=True),
    Corruption("40 % darker", _darker(0.40), input=True, answers=True),
    Corruption("zoom 1.5", _zoomed(1.5), input=True, answers=True),
    Corruption("channels swapped", lambda image: Image.merge("RGB", image.split()[::-1]), input=True, answers=True),
    Corruption("grey", lambda image: image.convert("L").convert("RGB"), input=True, answers=True),
    Corruption("rotated by 90 degrees", lambda image: image.transpose(Image.Transpose.ROTATE_90), answers=True),
    Corruption("blurred by 1 pixel", lambda image: image.filter(ImageFilter.GaussianBlur(1)), input=True),
    Corruption("blurred by 2 pixels", lambda image: image.filter(ImageFilter.GaussianBlur(2)), input=True),
    Corruption("noise of 15", _noisy, input=True),
)


@dataclass(frozen=True)
class Rates:
    """The share of windows with an alarm."""

    input: float
    answers: float


def measured(model: OpenedModel, images: Sequence[Image.Image], change: Change) -> Sample:
    """Return the statistics of changed images and of what the model detects on them."""
    rows = []
    for image in images:
        stream = io.BytesIO()
        change(image).save(stream, "JPEG", quality=_QUALITY)
        found = model.source.detect(stream.getvalue())
        rows.append((image_statistics(stream.getvalue()), detection_statistics(found, model.thresholds)))
    return Sample.of(rows, model.classes, model.thresholds)


def alarm_rates(unchanged: Sample, changed: Sample, windows: int = WINDOWS, size: int = WINDOW) -> Rates:
    """Return how many windows of changed images raise each alarm, against the other images unchanged."""
    generator = np.random.default_rng(1)
    alarms = np.zeros(2)
    for _ in range(windows):
        order = generator.permutation(len(unchanged))
        drift = compare(Baseline(_rows(unchanged, order[size:])), _rows(changed, order[:size]), DriftTest())
        alarms += drift.input.alarm, drift.answers.alarm
    return Rates(*(alarms / windows).tolist())


def _rows(sample: Sample, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Sample:
    return Sample(sample.classes, sample.thresholds, sample.values[rows], {})


def trained_run(labels: Path, images: Path, folder: Path) -> Path:
    """Train on labelled images, half of which are left out, and return the folder of the run."""
    command = [*PROGRAM, "local", "run", "--labels", str(labels), "--images", str(images)]
    command += ["-s", "prepare.split.validation=0.25", "-s", "prepare.split.test=0.25"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return next((folder / ".groundloop").glob("*-*-*"))


def unseen_images(run: Path, folder: Path) -> list[Image.Image]:
    """Return the validation and test images of a run, from the folder of its images."""
    files = ImageFolder(folder)
    found = []
    for split in ("validation", "test"):
        for manifest in run.glob(f"jobs/*Prepare*/processing/output/manifests/{split}.manifest"):
            for line in manifest.read_text(encoding="utf-8").splitlines():
                with Image.open(files.file(json.loads(line)["source-ref"])) as image:
                    found.append(image.convert("RGB"))
    return found


def new_scenes(count: int, seed: int = 91) -> list[Image.Image]:
    """Draw scenes."""
    chance = random.Random(seed)  # noqa: S311 (scenes, not secrets)
    return [draw_image(chance).image for _ in range(count)]


def print_rates(model: OpenedModel, images: Sequence[Image.Image], *, either: bool) -> bool:
    """Print the table; return whether every row is as it should be.

    Args:
        model: the detector.
        images: that it was not trained on.
        either: whether one of the alarms is enough.
    """
    sys.stdout.write(f"{len(images)} images, {WINDOWS} windows of {WINDOW}\n")
    sys.stdout.write(f"{'':<24}{'images':>8}{'answers':>9}{'boxes':>7}\n")
    unchanged = measured(model, images, CORRUPTIONS[0].change)
    every = True
    for corruption in CORRUPTIONS:
        changed = unchanged if corruption is CORRUPTIONS[0] else measured(model, images, corruption.change)
        rates = alarm_rates(unchanged, changed)
        boxes = float(changed.column("boxes").mean())
        if corruption is CORRUPTIONS[0]:
            met = max(rates.input, rates.answers) <= MAX_FALSE_ALARMS
        else:
            required = [rates.input] * corruption.input + [rates.answers] * corruption.answers
            met = (max(rates.input, rates.answers) if either else min(required)) >= MIN_DETECTED
        every &= met
        sys.stdout.write(
            f"{corruption.name:<24}{rates.input:>7.0%} {rates.answers:>8.0%} {boxes:>6.1f}{'' if met else '  FAILED'}\n"
        )
    return every


def print_cost(folder: Path) -> bool:
    """Measure `groundloop drift` on captured requests in a process of its own."""
    _write_requests(folder / "captured")
    scenes = new_scenes(50)
    answer = Detections.from_sagemaker(b'{"prediction": [[0, 0.9, 0.1, 0.1, 0.5, 0.5]]}', CLASSES)
    thresholds = dict.fromkeys(CLASSES, 0.5)
    rows = []
    for scene in scenes:
        stream = io.BytesIO()
        scene.resize(REQUEST_SIZE).save(stream, "JPEG", quality=_QUALITY)
        rows.append((image_statistics(stream.getvalue()), detection_statistics(answer, thresholds)))
    (folder / "baseline.json").write_bytes(Baseline(Sample.of(rows, CLASSES, thresholds), "a benchmark").to_json())
    command = [*PROGRAM, "drift", "--captures", "captured", "--baseline", "baseline.json"]
    done = subprocess.run(
        [*command, "--report", "drift.html", "--json"], cwd=folder, check=False, capture_output=True, text=True
    )
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds, megabytes = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    images = json.loads(done.stdout)["variants"][0]["images"]
    width, height = REQUEST_SIZE
    cost = f"{seconds:.1f} CPU seconds, {megabytes:.0f} MB at most"
    sys.stdout.write(f"{images} requests of {width} x {height}: {cost}\n")
    return images == REQUESTS and seconds <= MAX_SECONDS and megabytes <= MAX_MEGABYTES


def _write_requests(folder: Path) -> None:
    """Write captured requests in files of a minute each."""
    as_text = ContentTypes.of(json=["application/json"])
    chance = np.random.default_rng(1)
    scenes = [scene.resize(REQUEST_SIZE) for scene in new_scenes(20)]
    first = datetime.now(timezone.utc) - timedelta(hours=1)
    for number in range(REQUESTS):
        stream = io.BytesIO()
        image = scenes[number % len(scenes)].rotate(number % 7)
        image.save(stream, "JPEG", quality=_QUALITY)
        rows = [[int(chance.integers(3)), float(chance.random()), 0.1, 0.1, 0.5, 0.5] for _ in range(100)]
        answer = json.dumps({"prediction": rows}).encode()
        data = CaptureData(
            CapturedData.of(stream.getvalue() + number.to_bytes(2, "big"), "application/x-image", INPUT, as_text),
            CapturedData.of(answer, "application/json", OUTPUT, as_text),
        )
        time = first + timedelta(seconds=number)
        path = folder / capture_name("bolts", "AllTraffic", time.replace(second=0, microsecond=0), "0")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(CaptureRecord(data, EventMetadata(f"event-{number}", time.isoformat())).line())


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table, or the cost; return 1 when it falls short of what is required."""
    parser = ArgumentParser(prog="benchmarks.drift", description=__doc__)
    parser.add_argument("--labels", type=Path, help="train on these labels instead of the demo's scenes")
    parser.add_argument("--images", type=Path, help="folder of the images of --labels, or of --run")
    parser.add_argument("--run", type=Path, help="folder of a local run that has trained already")
    parser.add_argument("--cost", action="store_true", help="measure time and memory instead")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.cost:
            return 0 if print_cost(folder) else 1
        run = arguments.run
        if run is None:
            labels = arguments.labels or write_dataset(folder / "scenes", SCENES, "scenes")
            run = trained_run(labels.resolve(), (arguments.images or folder / "scenes" / "images").resolve(), folder)
        images = unseen_images(run, arguments.images) if arguments.images else new_scenes(NEW_SCENES)
        return 0 if print_rates(open_model(run), images, either=arguments.images is None) else 1


if __name__ == "__main__":
    raise SystemExit(main())
