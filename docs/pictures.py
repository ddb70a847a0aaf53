"""Make the README's pictures from a real run: `python -m docs.pictures`, about two minutes; needs Chromium.

It takes rendered images through the pipeline on the offline AWS, photographs the report, asks the endpoint what is on a
test image, and shows the plan after a change of the scoring.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.text import Text

from pipeline.demo.synthetic_images import write_dataset

IMAGES = Path(__file__).parent / "images"
PROGRAM = [sys.executable, "-c", "from pipeline.cli.main import main; main()"]
BUCKET = "groundloop-local"
CHANGE = ["--set", "evaluate.threshold.per_class=true"]
# US dollars per hour in us-east-1; the offline AWS has no prices.
PRICES = {"GROUNDLOOP__COSTS__HOURLY_USD": "{ml.g4dn.xlarge: 0.736, ml.m5.xlarge: 0.23}"}
_COLUMNS = 100
_REPORT_SIZE = (1280, 1120)


def main() -> None:
    """Write `report.png`, `detections.jpg` and `plan.svg`."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = write_dataset(folder, 240, BUCKET)
        labels = ["--labels", str(manifest), "--images", str(folder / "images")]
        command = [*PROGRAM, "local", "--port", "0", *labels]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
            try:
                environment = {**os.environ, **exports(server), **PRICES, "COLUMNS": str(_COLUMNS)}
                for words in (["upsert"], ["start", "--watch"]):
                    subprocess.run([*PROGRAM, *words], cwd=folder, env=environment, check=True)
                take_pictures(folder, environment)
            finally:
                server.terminate()


def take_pictures(folder: Path, environment: dict[str, str]) -> None:
    """Take the pictures of the run whose job folders are below a folder."""
    photograph(next(folder.glob(".groundloop/*/jobs/*Evaluate*/**/report.html")), folder / "report.png")
    test = next(folder.glob(".groundloop/*/jobs/*Prepare*/**/test.manifest")).read_text(encoding="utf-8").splitlines()
    fullest = max(test, key=lambda line: line.count('"class_id"'))
    photo = folder / "images" / json.loads(fullest)["source-ref"].rsplit("/", 1)[-1]
    drawn = folder / "detections.png"
    subprocess.run([*PROGRAM, "predict", str(photo), "-o", str(drawn)], cwd=folder, env=environment, check=True)
    with Image.open(drawn) as picture:
        picture.convert("RGB").save(IMAGES / "detections.jpg", quality=82)
    plan = [*PROGRAM, "plan", *CHANGE]
    done = subprocess.run(plan, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    shown = terminal(f"$ groundloop plan {shlex.join(CHANGE)}\n{done.stdout}", "groundloop plan")
    (IMAGES / "plan.svg").write_text(shown, encoding="utf-8")


def photograph(report: Path, screenshot: Path) -> None:
    """Save the top of the report as `report.png`."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"]
    flags += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    flags += [f"--window-size={','.join(map(str, _REPORT_SIZE))}", f"--screenshot={screenshot}"]
    subprocess.run([chromium(), *flags, report.as_uri()], check=True, capture_output=True)
    with Image.open(screenshot) as page:
        page.convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(IMAGES / "report.png", optimize=True)


def exports(server: subprocess.Popen[str]) -> dict[str, str]:
    """Return the environment that `groundloop local` prints, once it has printed all of it."""
    found: dict[str, str] = {}
    for line in server.stdout or ():
        if match := re.fullmatch(r"export (\w+)=(.*)\n", line):
            found[match[1]] = shlex.split(match[2])[0]
        elif found:
            return found
    raise SystemExit("groundloop local ended without printing an environment")


def terminal(text: str, title: str) -> str:
    """Draw a text as a terminal window, in SVG with the reader's own monospaced font."""
    console = Console(record=True, width=_COLUMNS, file=io.StringIO())
    console.print(Text(text.rstrip()))
    # Rich's template would fetch a font from the network.
    return re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title=title), flags=re.DOTALL)


def chromium() -> str:
    """Return the path of a Chromium or Chrome."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise SystemExit("Chromium is needed for the report's screenshot: install it")


if __name__ == "__main__":
    main()
