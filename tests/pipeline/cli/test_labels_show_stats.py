"""`labels stats` and `labels show` on a small rendered data set."""

from __future__ import annotations

import gzip
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from groundloop.errors import UserError
from groundloop.labels.label_input import read_manifest
from pipeline.cli.labels.show import show
from pipeline.cli.labels.stats import stats
from pipeline.demo.upload_images import source_refs


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from pipeline.demo.synthetic_images import write_dataset

    return write_dataset(tmp_path_factory.mktemp("data"), 20, "bucket")


APP = typer.Typer(rich_markup_mode=None)
APP.command()(stats)
APP.command()(show)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(APP, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_stats_counts_what_is_usable(manifest: Path) -> None:
    lines = run("stats", str(manifest)).stdout.splitlines()
    assert lines[0] == "images   20, 1 of them negatives; sizes 320x240 (20)"
    assert lines[2] == "sizes of boxes in pixels: minimum / median / maximum"
    assert [line.split()[0] for line in lines[4:8]] == ["class", "bolt", "nut", "washer"]
    assert re.fullmatch(r"bolt +\d+ +\d+ +\d+ / \d+ / \d+ +\d+ / \d+ / \d+", lines[5])


def test_stats_as_json(manifest: Path) -> None:
    numbers = json.loads(run("stats", str(manifest), "--json").stdout)
    assert numbers["format"] == 1
    assert set(numbers["classes"]) == {"bolt", "nut", "washer"}
    boxes = sum(one["boxes"] for one in numbers["classes"].values())
    assert boxes == sum(int(many) * images for many, images in numbers["boxes_per_image"].items())


def test_two_manifests_are_counted_together(manifest: Path, tmp_path: Path) -> None:
    lines = manifest.read_bytes().splitlines(keepends=True)
    (tmp_path / "one").write_bytes(b"".join(lines[:12]))
    (tmp_path / "two").write_bytes(b"".join(lines[12:]))
    together = json.loads(run("stats", str(tmp_path / "one"), str(tmp_path / "two"), "--json").stdout)
    whole = json.loads(run("stats", str(manifest), "--json").stdout)
    assert together["images"] == 20
    assert together["classes"] == whole["classes"]


@pytest.fixture
def relabelled(manifest: Path, tmp_path: Path) -> Path:
    """The same images; a line behind all others gives each of the first two one box of another class."""
    attribute, lines, _ = read_manifest(str(manifest), "us-east-1", "auto")
    again = [json.loads(line.raw) for line in lines if line.record][:2]
    for line in again:
        line[attribute]["annotations"] = [{"class_id": 0, "left": 1, "top": 2, "width": 3, "height": 4}]
        line[f"{attribute}-metadata"] |= {"class-map": {"0": "cog"}, "objects": [{"confidence": 0}]}
    added = "".join(json.dumps(line) + "\n" for line in again)
    (tmp_path / "again.manifest").write_bytes(manifest.read_bytes() + added.encode())
    return tmp_path / "again.manifest"


def test_an_image_labelled_twice_counts_once_with_its_last_labels(manifest: Path, relabelled: Path) -> None:
    numbers = json.loads(run("stats", str(relabelled), "--json").stdout)
    assert (numbers["images"], numbers["labels_replaced_by_later_ones"]) == (20, 2)
    assert numbers["classes"]["cog"] == {
        "boxes": 2,
        "images": 2,
        "width": {"min": 3, "median": 3, "max": 3},
        "height": {"min": 4, "median": 4, "max": 4},
    }
    output = run("stats", str(relabelled)).stdout
    assert output.startswith("again    2 labels not counted: a later line labels the same image\nimages   20, ")
    assert "again" not in run("stats", str(manifest)).stdout


@pytest.mark.parametrize(("order", "cogs"), [((0, 1), 2), ((1, 0), 0)])
def test_a_later_manifest_counts_before_an_earlier_one(
    manifest: Path, relabelled: Path, order: tuple[int, int], cogs: int
) -> None:
    places = [str(manifest), str(relabelled)]
    numbers = json.loads(run("stats", *(places[one] for one in order), "--json").stdout)
    assert (numbers["images"], numbers["labels_replaced_by_later_ones"]) == (20, 22)
    assert numbers["classes"].get("cog", {"boxes": 0})["boxes"] == cogs


def test_show_counts_an_image_labelled_twice_once(manifest: Path, relabelled: Path, tmp_path: Path) -> None:
    images = ["--images", str(manifest.parent / "images"), "-o", str(tmp_path / "s.jpg")]
    assert run("show", str(relabelled), *images).stdout.startswith("12 of 20 images")
    assert run("show", str(relabelled), *images, "--class", "cog").stdout.startswith("2 of 2 images")


@pytest.mark.parametrize("command", ["stats", "show"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(gzip.compress(b"{}\n" * 999)[:-9], "is damaged", id="cut"),
        pytest.param(b'{"source-ref":"s3://b/a","k":{"annotations":[]},"l":{"annotations":[]}}', "2 label", id="two"),
    ],
)
def test_faults_of_a_manifest_in_s3_name_its_uri(s3: Any, command: str, content: bytes, message: str) -> None:
    s3.put_object(Bucket="bucket", Key="job/x.manifest", Body=content)
    with pytest.raises(UserError, match=message) as raised:
        run(command, "s3://bucket/job/x.manifest")
    assert "s3://bucket/job/x.manifest" in str(raised.value)
    assert tempfile.gettempdir() not in str(raised.value)


def test_manifest_and_images_in_s3(s3: Any, manifest: Path, tmp_path: Path) -> None:
    s3.upload_file(str(manifest), "bucket", "output.manifest")
    for reference in source_refs(manifest):
        place, _, key = reference.removeprefix("s3://").partition("/")
        image = manifest.parent / "images" / key.rpartition("/")[2]
        if image.is_file():
            s3.upload_file(str(image), place, key)
    printed = run("show", "s3://bucket/output.manifest", "-o", str(tmp_path / "s.jpg"), "-n", "3").stdout
    assert printed.startswith("3 of 20 images")
    assert run("stats", "s3://bucket/output.manifest").stdout == run("stats", str(manifest)).stdout


def test_charts_are_written_as_one_page(manifest: Path, tmp_path: Path) -> None:
    printed = run("stats", str(manifest), "--plot", str(tmp_path / "charts")).stdout
    page = tmp_path / "charts" / "statistics.html"
    assert f"charts: {page}" in printed
    assert all(title in page.read_text() for title in ("Class balance", "Box sizes", "Box centers", "Boxes per image"))


def test_show_draws_a_sheet(manifest: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    printed = run(
        "show", str(manifest), "--images", str(manifest.parent / "images"), "-o", str(sheet), "-n", "5"
    ).stdout
    assert printed == f"5 of 20 images: {sheet}\n"
    with Image.open(sheet) as picture:
        assert picture.width == 4 * 488 + 8, "four columns"
        assert picture.height > 2 * 360, "two rows"


def test_show_other_pages_and_a_random_choice(manifest: Path, tmp_path: Path) -> None:
    images = ["--images", str(manifest.parent / "images"), "-n", "8"]

    def sheet(*options: str) -> bytes:
        picture = tmp_path / "sheet.bmp"  # lossless, and written in no time
        printed = run("show", str(manifest), *images, "-o", str(picture), *options).stdout
        return printed.split(" images")[0].encode() + picture.read_bytes()

    pages = [sheet(*options) for options in ([], ["--page", "2"], ["--page", "3"])]
    assert [page.partition(b"BM")[0] for page in pages] == [b"8 of 20", b"8 of 20", b"4 of 20"]
    assert len(set(pages)) == 3
    assert sheet("--random") == sheet("--random", "--seed", "0")
    assert len({pages[0], sheet("--random"), sheet("--random", "--seed", "1"), sheet("--random", "--page", "2")}) == 4


def test_show_only_one_class(manifest: Path, tmp_path: Path) -> None:
    images = str(manifest.parent / "images")
    printed = run("show", str(manifest), "--images", images, "-o", str(tmp_path / "s.jpg"), "--class", "bolt").stdout
    assert 1 <= int(printed.split(" of ")[1].split()[0]) < 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--class", "cog"], "no labelled image of class 'cog'; classes: bolt, nut, washer", id="class"),
        pytest.param(["--page", "3"], "--page 3: there are 2 pages of 12 images", id="page"),
        pytest.param(["--images", "nowhere"], "is not a folder", id="no folder"),
        pytest.param(["--images", str(Path(__file__).parent)], "is not in the folder", id="other images"),
        pytest.param(["-o", "sheet.unknown"], "can't be written", id="no picture format"),
    ],
)
def test_what_cannot_be_shown(manifest: Path, arguments: list[str], message: str) -> None:
    images = [] if "--images" in arguments else ["--images", str(manifest.parent / "images")]
    with pytest.raises(UserError, match=message):
        run("show", str(manifest), *images, *arguments)


def test_an_image_of_another_size_is_refused(manifest: Path, tmp_path: Path) -> None:
    Image.new("RGB", (10, 10)).save(tmp_path / "image-0000.jpg")
    with pytest.raises(UserError, match="is 10 x 10 pixels, but its label says 320 x 240"):
        run("show", str(manifest), "--images", str(tmp_path), "-o", str(tmp_path / "s.jpg"))
