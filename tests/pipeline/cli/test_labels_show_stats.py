"""``labels stats`` and ``labels show`` on a small rendered data set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from labels.errors import UserError
from pipeline.cli.labels.show import show
from pipeline.cli.labels.stats import stats


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from pipeline.scenes import render

    return render(tmp_path_factory.mktemp("data"), 20, "bucket")


def run(*arguments: str) -> Result:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(stats)
    app.command()(show)
    result = CliRunner().invoke(app, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_stats_counts_what_is_usable(manifest: Path) -> None:
    lines = run("stats", str(manifest)).stdout.splitlines()
    assert lines[0] == "images   20, 1 of them negatives; sizes 320x240 (20)"
    assert [line.split()[0] for line in lines[4:7]] == ["bolt", "nut", "washer"]


def test_stats_as_json(manifest: Path) -> None:
    numbers = json.loads(run("stats", str(manifest), "--json").stdout)
    assert numbers["format"] == 1
    assert set(numbers["classes"]) == {"bolt", "nut", "washer"}
    boxes = sum(one["boxes"] for one in numbers["classes"].values())
    assert boxes == sum(int(many) * images for many, images in numbers["boxes_per_image"].items())


def test_two_manifests_are_counted_together(manifest: Path) -> None:
    numbers = json.loads(run("stats", str(manifest), str(manifest), "--json").stdout)
    assert numbers["images"] == 40


def test_plots_are_written_under_their_names(manifest: Path, tmp_path: Path) -> None:
    run("stats", str(manifest), "--plot", str(tmp_path / "plots"))
    names = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert names == ["box_positions.png", "box_sizes.png", "boxes_per_image.png", "class_balance.png"]
    for name in names:
        with Image.open(tmp_path / "plots" / name) as plot:
            assert min(plot.size) >= 500


def test_show_draws_a_sheet(manifest: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    printed = run(
        "show", str(manifest), "--images", str(manifest.parent / "images"), "-o", str(sheet), "-n", "5"
    ).stdout
    assert printed == f"5 of 20 images: {sheet}\n"
    with Image.open(sheet) as picture:
        assert picture.width == 4 * 488 + 8, "four columns"
        assert picture.height > 2 * 360, "two rows"


def test_show_only_one_class(manifest: Path, tmp_path: Path) -> None:
    images = str(manifest.parent / "images")
    printed = run("show", str(manifest), "--images", images, "-o", str(tmp_path / "s.jpg"), "--class", "bolt").stdout
    assert 1 <= int(printed.split(" of ")[1].split()[0]) < 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--class", "cog"], "no labelled image of class 'cog'; classes: bolt, nut, washer", id="class"),
        pytest.param(["--images", "nowhere"], "is no folder", id="no folder"),
        pytest.param(["--images", str(Path(__file__).parent)], "the folder has no such image", id="other images"),
        pytest.param(["-o", "sheet.unknown"], "can't be written", id="no picture format"),
    ],
)
def test_what_cannot_be_shown(manifest: Path, arguments: list[str], message: str) -> None:
    images = [] if "--images" in arguments else ["--images", str(manifest.parent / "images")]
    with pytest.raises(UserError, match=message):
        run("show", str(manifest), *images, *arguments)


def test_an_image_of_another_size_is_refused(manifest: Path, tmp_path: Path) -> None:
    Image.new("RGB", (10, 10)).save(tmp_path / "scene-0000.jpg")
    with pytest.raises(UserError, match="is 10 x 10 pixels, but its label says 320 x 240"):
        run("show", str(manifest), "--images", str(tmp_path), "-o", str(tmp_path / "s.jpg"))
