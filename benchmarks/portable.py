"""An exported model beside onnxruntime alone: start-up and images a second, as ratios.

Run with `python -m benchmarks.portable`; `--python PATH` takes the interpreter of a fresh environment with the `onnx`
extra for what runs the model. The model is a ResNet-50 at 512 pixels in the algorithm's format with random weights,
which finds more than any trained one: non-maximum suppression has the most to do.

`onnxruntime alone` is the least that a program needs: Pillow decodes and scales, the session runs, nothing is decoded
into detections. Everything runs on one thread and is measured in CPU seconds, which are steady on a busy machine; the
programs take turns, and printed are medians. A server's request is decoded in another thread of the same process.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import runpy
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import onnx

from groundloop.portable.conversion import to_onnx
from groundloop.portable.model_archive import read_model_archive
from groundloop.portable.onnx_detector import OnnxDetector
from groundloop.portable.quantization import to_int8
from pipeline.demo.synthetic_images import draw_image

#: Writes archives in the algorithm's format; by its path, since an installed package may be called `tests`.
MXNET_FILES = Path(__file__).resolve().parents[1] / "tests" / "fixtures" / "mxnet_files.py"
CLASSES = ("bolt", "nut", "washer")
SIDE = 512
IMAGES = 5

#: Each program prints the seconds until its first answer, and those of each further image.
ALONE = """
import time; start = time.process_time()
import io, sys, numpy, onnxruntime
from PIL import Image
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
def detect(path):
    image = Image.open(path).convert("RGB").resize((512, 512), Image.Resampling.BILINEAR)
    pixels = numpy.ascontiguousarray(numpy.asarray(image).transpose(2, 0, 1)[None], dtype=numpy.float32)
    return session.run(None, {"data": pixels})
"""
DETECTOR = """
import time; start = time.process_time()
import sys
from pathlib import Path
from groundloop.portable.onnx_detector import OnnxDetector
detector = OnnxDetector(Path(sys.argv[1]), threads=1)
def detect(path):
    return detector.detect(Path(path).read_bytes())
"""
SERVER = """
import time; start = time.process_time()
import sys, urllib.request
from pathlib import Path
from groundloop.portable.onnx_detector import OnnxDetector
from groundloop.review.serve import Address
from groundloop.serving.serve import serving_model
detector = OnnxDetector(Path(sys.argv[1]), threads=1)
serving = serving_model(detector, "detector.onnx", Address())
url = serving.__enter__()
def detect(path):
    headers = {"Content-Type": "image/jpeg"}
    request = urllib.request.Request(url + "invocations", Path(path).read_bytes(), headers)
    return urllib.request.urlopen(request).read()
"""
MEASURE = """
images = sys.argv[2:]
detect(images[0])
first = time.process_time() - start
seconds = []
for path in images[1:]:
    start = time.process_time()
    detect(path)
    seconds.append(time.process_time() - start)
modules = sorted({"sagemaker", "moto", "boto3", "pydantic"} & set(sys.modules))
import json; print(json.dumps({"first": first, "each": seconds, "modules": modules}))
"""


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="interpreter that runs the model")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        full, small, images = _prepared(Path(folder))
        programs = {
            "onnxruntime alone": (ALONE, full),
            "OnnxDetector": (DETECTOR, full),
            "serve": (SERVER, full),
            "onnxruntime alone, int8": (ALONE, small),
            "OnnxDetector, int8": (DETECTOR, small),
        }
        first: dict[str, list[float]] = {name: [] for name in programs}
        each: dict[str, list[float]] = {name: [] for name in programs}
        for _ in range(options.rounds):
            for name, (program, model) in programs.items():
                measured = _run(options.python, program, model, images)
                first[name].append(measured["first"])
                each[name] += measured["each"]
                if measured["modules"]:
                    sys.exit(f"{name} imports {measured['modules']}")
        print(f"{full.stat().st_size / 2**20:.0f} MiB, int8 {small.stat().st_size / 2**20:.0f} MiB")
        _print(first, each)


def _prepared(folder: Path) -> tuple[Path, Path, list[str]]:
    """Write the model, its quantized form, and images of 1280 x 960 pixels."""
    files = runpy.run_path(str(MXNET_FILES))
    archive = folder / "model.tar.gz"
    symbol = files["resnet_50"](len(CLASSES), training=True, thin=1)
    files["write_archive"](archive, files["algorithm_files"](symbol, side=SIDE, base_network="resnet-50"))
    full, small = folder / "detector.onnx", folder / "int8.onnx"
    model = to_onnx(read_model_archive(archive), CLASSES)
    onnx.save(model, full)
    images = []
    for number in range(IMAGES):
        path = folder / f"{number}.jpg"
        scene = draw_image(random.Random(number)).image  # noqa: S311 - pictures, not secrets
        scene.resize((1280, 960)).save(path, "JPEG")
        images.append(str(path))
    detector = OnnxDetector(full)
    onnx.save(to_int8(model, (detector.pixels(Path(path).read_bytes()) for path in images[:4])), small)
    return full, small, images


def _run(python: str, program: str, model: Path, images: list[str]) -> dict[str, list[float]]:
    command = [python, "-c", program + MEASURE, str(model), *images]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(io.StringIO(result.stdout).readlines()[-1])


def _print(first: dict[str, list[float]], each: dict[str, list[float]]) -> None:
    base = "onnxruntime alone"
    print("| CPU | first answer, s | relative | an image, ms | relative |\n| --- | --- | --- | --- | --- |")
    for name in first:
        start, image = statistics.median(first[name]), statistics.median(each[name])
        ratios = start / statistics.median(first[base]), image / statistics.median(each[base])
        print(f"| {name} | {start:.2f} | {ratios[0]:.2f} | {image * 1000:.0f} | {ratios[1]:.2f} |")


if __name__ == "__main__":
    main()
