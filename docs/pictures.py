"""Make the README's pictures from a real run: `python -m docs.pictures`, about two minutes; needs Chromium.

It takes rendered images through the pipeline on the offline AWS, photographs the report, asks the endpoint what is on a
test image, shows the plan after a change of the scoring, and opens the review page on what the model doubts.
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
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

from groundloop.review.queue import Queue
from groundloop.review.serve import Address, invitations, serving
from pipeline.demo.synthetic_images import write_dataset

IMAGES = Path(__file__).parent / "images"
PROGRAM = [sys.executable, "-c", "from pipeline.cli.main import main; main()"]
BUCKET = "groundloop-local"
CHANGE = ["--set", "evaluate.threshold.per_class=true"]
# US dollars per hour in us-east-1; the offline AWS has no prices.
PRICES = {"GROUNDLOOP__COSTS__HOURLY_USD": "{ml.g4dn.xlarge: 0.736, ml.m5.xlarge: 0.23}"}
_COLUMNS = 100
# The page shows the reviewer's pace.
_SECONDS_AN_IMAGE = 3
_REPORT_SIZE = (1280, 1120)
_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


def main() -> None:
    """Write `report.png`, `detections.jpg`, `plan.svg` and `review.jpg`."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["TMPDIR"] = name  # Chromium leaves folders behind
        manifest = write_dataset(folder, 240, BUCKET)
        labels = ["--labels", str(manifest), "--images", str(folder / "images")]
        command = [*PROGRAM, "local", "--port", "0", *labels]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
            try:
                environment = {**os.environ, **exports(server, folder), **PRICES, "COLUMNS": str(_COLUMNS)}
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
    drawn = folder / "annotated" / photo.name
    subprocess.run([*PROGRAM, "predict", str(photo), "--draw", "annotated"], cwd=folder, env=environment, check=True)
    with Image.open(drawn) as picture:
        picture.convert("RGB").save(IMAGES / "detections.jpg", quality=82)
    plan = [*PROGRAM, "plan", *CHANGE]
    done = subprocess.run(plan, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    shown = terminal(f"$ groundloop plan {shlex.join(CHANGE)}\n{done.stdout}", "groundloop plan")
    (IMAGES / "plan.svg").write_text(shown, encoding="utf-8")
    new = [*PROGRAM, "review", "new", "week-47", "--from", "1", "--images", str(folder / "images")]
    subprocess.run(new, cwd=folder, env=environment, check=True)
    photograph_page(folder / "reviews" / "week-47", folder / "review.png")


def photograph(report: Path, screenshot: Path) -> None:
    """Save the top of the report as `report.png`."""
    flags = ["--headless", "--hide-scrollbars", *_FLAGS]
    flags += [f"--window-size={','.join(map(str, _REPORT_SIZE))}", f"--screenshot={screenshot}"]
    subprocess.run([chromium(), *flags, report.as_uri()], check=True, capture_output=True)
    with Image.open(screenshot) as page:
        page.convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(IMAGES / "report.png", optimize=True)


def photograph_page(queue_folder: Path, screenshot: Path) -> None:
    """Save the review page, with the most doubtful box of the fifth image selected, as `review.jpg`."""
    queue = Queue.open(queue_folder)
    with serving(queue, Address()) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=_FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="dark")
        page.goto(invitations(queue, ["ann"], url)["ann"])
        for number in range(1, 6):
            page.wait_for_selector(f"body[data-state=ready] #stage[data-task='{number}']")
            page.wait_for_timeout(_SECONDS_AN_IMAGE * 1000)
            page.keyboard.press("Enter" if number < 5 else "Tab")
        page.wait_for_selector("#saved[data-state=saved]")
        page.screenshot(path=screenshot)
        browser.close()
    queue.close()
    with Image.open(screenshot) as picture:
        picture.convert("RGB").save(IMAGES / "review.jpg", quality=88)


def exports(server: subprocess.Popen[str], folder: Path) -> dict[str, str]:
    """Return the environment of the offline AWS that a folder's `groundloop local` serves, once it does."""
    for line in server.stdout or ():
        if "Ctrl-C" in line:
            break
    printed = subprocess.run([*PROGRAM, "local", "env"], cwd=folder, check=True, capture_output=True, text=True).stdout
    return {name: shlex.split(value)[0] for name, value in re.findall(r"^export (\w+)=(.*)$", printed, re.MULTILINE)}


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
