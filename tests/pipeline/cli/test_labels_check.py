"""`labels check` on small data sets with every kind of fault."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from groundloop.errors import UserError
from pipeline.cli.labels.check import check

Write = Callable[..., str]


def line(key: str, *names: str, attribute: str = "bb", left: float = 5) -> dict[str, Any]:
    return {
        "source-ref": f"s3://bucket/images/{key}",
        attribute: {
            "image_size": [{"width": 64, "height": 48, "depth": 3}],
            "annotations": [
                {"class_id": n, "left": left, "top": 1, "width": 10, "height": 12} for n in range(len(names))
            ],
        },
        f"{attribute}-metadata": {
            "objects": [{"confidence": 0}] * len(names),
            "class-map": {str(n): name for n, name in enumerate(names)},
            "type": "groundtruth/object-detection",
        },
    }


GOOD = [line(f"{n:02}.png", "nut", "bolt") for n in range(12)]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_disk(lines: list[Any], name: str = "output.manifest", pack: bool = False) -> str:
        data = b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in lines)
        (tmp_path / name).write_bytes(gzip.compress(data) if pack else data)
        return str(tmp_path / name)

    return to_disk


APP = typer.Typer(rich_markup_mode=None)
APP.command()(check)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(APP, list(arguments))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_sound_manifest_passes_and_tells_what_training_needs(write: Write) -> None:
    path = write(GOOD)
    result = run(path)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"{path}, label attribute 'bb'",
        "  no findings",
        "",
        "  lines    12 read: 12 labelled",
        "  classes  2, boxes 24",
        "    bolt                                12 boxes on 12 images",
        "    nut                                 12 boxes on 12 images",
        "  the built-in algorithm needs: num_training_samples 12, num_classes 2, label_width 350, mini_batch_size 8",
        "    (num_training_samples if all these images are trained on; mini_batch_size is the smallest sensible)",
        "",
        "0 errors, 0 warnings",
    ]


def test_faults_are_counted_by_code_errors_first_with_the_first_examples(write: Write) -> None:
    faults: list[Any] = [line(f"out-{n}.png", "nut", left=60) for n in range(5)]
    result = run(write([{"source-ref": "s3://bucket/u.png"}, *GOOD, *faults, b"broken"]))
    assert result.exit_code == 1
    rows = result.stdout.splitlines()
    assert [row.split() for row in rows if row.startswith(("  error", "  warning"))] == [
        ["error", "ERROR_INVALID_BOUNDING_BOX", "5"],
        ["error", "ERROR_INVALID_JSON_LINE", "1"],
        ["warning", "WARNING_UNANNOTATED_RECORD", "1"],
    ]
    assert sum("leaves the image" in row for row in rows) == 3
    assert "      line 14 s3://bucket/images/out-0.png: box 1 (x 60 to 70" in result.stdout
    assert "      and 2 more" in rows
    assert "  lines    19 read: 12 labelled, 1 unlabelled, 6 rejected" in rows
    assert rows[-1] == "6 errors, 1 warnings"


def test_warnings_alone_do_not_fail(write: Write) -> None:
    result = run(write([*GOOD, line("clipped.png", "Nut ", left=55)]))
    assert result.exit_code == 0
    for code in ("BOX_CLIPPED", "SIMILAR_CLASS_NAMES", "CLASS_WITH_FEW_EXAMPLES"):
        assert f"WARNING_{code}" in result.stdout


def test_json_holds_every_finding_and_metric(write: Write) -> None:
    auto_labelled = line("auto.png", "nut", "bolt")
    auto_labelled["bb-metadata"]["human-annotated"] = "no"
    path = write([*GOOD, auto_labelled, *[b"broken"] * 9])
    result = run(path, "--json")
    assert result.exit_code == 1
    output = json.loads(result.stdout)
    assert output["format"] == 1
    (one,) = output["manifests"]
    assert (one["manifest"], one["label_attribute"]) == (path, "bb")
    assert (one["errors"], one["warnings"], one["counts"]) == (9, 0, {"ERROR_INVALID_JSON_LINE": 9})
    assert [finding["line"] for finding in one["findings"]] == list(range(14, 23))
    assert set(one["findings"][0]) == {"severity", "code", "line", "source_ref", "message"}
    assert one["lines"]["read"] == 22
    assert one["lines"]["rejected"] == 9
    assert one["auto_labelled"] == 1
    assert one["classes"] == {"bolt": {"boxes": 13, "images": 13}, "nut": {"boxes": 13, "images": 13}}
    assert one["needs"] == {"num_training_samples": 13, "num_classes": 2, "label_width": 350, "mini_batch_size": 8}
    assert "together" not in output


def test_several_manifests_are_checked_each_and_then_together(write: Write) -> None:
    first = write(GOOD, "a.manifest")
    other = [line(f"w{n}.png", "washer", attribute="job") for n in range(12)]
    second = write([*other, line("00.png", "nut", attribute="job")], "b.manifest.gz", pack=True)
    output = json.loads(run(first, second, "--json").stdout)
    assert [one["label_attribute"] for one in output["manifests"]] == ["bb", "job"]
    assert output["together"]["lines"]["labelled"] == 25
    assert set(output["together"]["classes"]) == {"bolt", "nut", "washer"}
    assert output["together"]["counts"] == {"WARNING_IMAGE_IN_SEVERAL_MANIFESTS": 1}
    text = run(first, second).stdout
    assert "all 2 manifests together" in text
    assert "1 images of" in text


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(["--classes", "nut,cog"], id="commas"),
        pytest.param(["--classes", "nut, cog"], id="commas and spaces"),
        pytest.param(["--classes", "nut", "--classes", "cog"], id="repeated"),
    ],
)
def test_a_configured_class_list_refuses_others_and_names_the_unused(write: Write, given: list[str]) -> None:
    result = run(write(GOOD), *given)
    assert result.exit_code == 1
    assert "ERROR_CLASS_NOT_CONFIGURED" in result.stdout
    assert "class 'cog' is in the class list but no box has it" in result.stdout


def test_class_names_may_hold_commas_and_spaces(write: Write) -> None:
    names = ("nut, M4", "storage box", "bolt ")
    path = write([line(f"{n}.png", *names) for n in range(12)])
    output = json.loads(run(path, "--classes", '"nut, M4",storage box,"bolt "', "--json").stdout)["manifests"][0]
    assert list(output["classes"]) == list(names)
    assert output["errors"] == 0


def test_tiny_boxes_depend_on_the_image_shape(write: Write) -> None:
    path = write(GOOD)
    assert "WARNING_TINY_BOXES" in run(path, "--image-shape", "20").stdout
    assert "WARNING_TINY_BOXES" not in run(path, "--image-shape", "300").stdout


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        pytest.param([], "ERROR_EMPTY_MANIFEST", id="empty file"),
        pytest.param([b"", b" "], "ERROR_EMPTY_MANIFEST", id="blank lines only"),
        pytest.param([b'{"source-ref": "s3://b/a"}'], "ERROR_MANIFEST_TOO_FEW_USABLE_LABELS", id="nothing labelled"),
        pytest.param([line("a.png")], "ERROR_MANIFEST_TOO_FEW_USABLE_LABELS", id="negatives only"),
    ],
)
def test_a_manifest_that_nothing_can_be_trained_on_is_an_error(write: Write, lines: list[Any], code: str) -> None:
    result = run(write(lines))
    assert result.exit_code == 1
    assert code in result.stdout


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Images of all lines: one of another size, one gray, one damaged, one too large, one not there."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for n in range(11):
        size, mode = ((48, 64) if n == 1 else (64, 48)), ("L" if n == 2 else "RGB")
        Image.new(mode, size).save(folder / f"{n:02}.png")
    (folder / "03.png").write_bytes(b"no image")
    (folder / "04.png").write_bytes(b"x" * 100_001)
    return folder


IMAGE_FINDINGS = [
    (2, "ERROR_IMAGE_SIZE_DIFFERS"),
    (3, "ERROR_IMAGE_CHANNELS"),
    (4, "ERROR_INVALID_IMAGE"),
    (5, "ERROR_IMAGE_TOO_LARGE"),
    (12, "ERROR_IMAGE_MISSING"),
]


def _image_findings(result: Result) -> list[tuple[int, str]]:
    (one,) = json.loads(result.stdout)["manifests"]
    assert one["lines"]["rejected"] == 5
    return [(finding["line"], finding["code"]) for finding in one["findings"] if finding["line"]]


def test_images_in_a_folder_are_opened(write: Write, pictures: Path) -> None:
    result = run(write(GOOD), "--images", str(pictures), "--max-image-mb", "0.1", "--json")
    assert result.exit_code == 1
    assert _image_findings(result) == IMAGE_FINDINGS
    assert result.stderr == "", "progress is for terminals"


def test_progress_is_shown_where_a_person_watches(
    write: Write, pictures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with pytest.raises(typer.Exit):
        check([write(GOOD)], images=str(pictures))
    assert terminal.getvalue() == "\rimages 12/12\r\033[K"
    assert capsys.readouterr().out.endswith("\n5 errors, 2 warnings\n")


def test_manifest_and_images_in_s3(s3: Any, write: Write, pictures: Path) -> None:
    s3.upload_file(write(GOOD), "bucket", "job/output.manifest")
    for path in pictures.iterdir():
        s3.upload_file(str(path), "bucket", f"images/{path.name}")
    uri = "s3://bucket/job/output.manifest"
    assert run(uri).stdout.startswith(f"{uri}, label attribute 'bb'\n")
    assert _image_findings(run(uri, "--images", "s3", "--max-image-mb", "0.1", "--json")) == IMAGE_FINDINGS


def test_faults_of_a_manifest_in_s3_name_its_uri(s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="cut.gz", Body=gzip.compress(b"{}\n" * 999)[:-9])
    with pytest.raises(UserError, match=r"the compressed manifest s3://bucket/cut\.gz is damaged"):
        run("s3://bucket/cut.gz")
    with pytest.raises(UserError, match=r"s3://bucket/none does not exist in S3"):
        run("s3://bucket/none")
    with pytest.raises(UserError, match=r"s3://nowhere/none does not exist in S3"):
        run("s3://nowhere/none")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b'{"source-ref":"s3://b/a","k":{"annotations":[]},"l":{"annotations":[]}}', "2 label", id="two"),
        pytest.param(
            b'{"source-ref":"s3://b/a","k-metadata":{"type":"groundtruth/image-classification"}}', "no bounding", id="0"
        ),
        pytest.param(gzip.compress(b"{}\n" * 999)[:-9], "is damaged", id="cut"),
    ],
)
def test_no_message_names_the_copy_of_a_manifest_in_s3(s3: Any, content: bytes, message: str) -> None:
    s3.put_object(Bucket="bucket", Key="job/output.manifest", Body=content)
    with pytest.raises(UserError, match=message) as raised:
        run("s3://bucket/job/output.manifest")
    assert "s3://bucket/job/output.manifest" in str(raised.value)
    assert tempfile.gettempdir() not in str(raised.value)


def test_a_folder_in_s3_is_no_manifest(s3: Any) -> None:
    s3.put_object(Bucket="bucket", Key="job/output.manifest", Body=b"{}")
    for uri in ("s3://bucket/job", "s3://bucket/job/", "s3://bucket"):
        with pytest.raises(UserError, match="the closest is groundtruth: it is a folder; give the manifest in it"):
            run(uri)


def test_an_image_that_several_files_could_be_is_a_finding(write: Write, tmp_path: Path) -> None:
    for name in ("red/00.png", "blue/00.png"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True)
        Image.new("RGB", (64, 48)).save(tmp_path / "photos" / name)
    (one,) = json.loads(run(write(GOOD[:1]), "--images", str(tmp_path / "photos"), "--json").stdout)["manifests"]
    found = [finding for finding in one["findings"] if finding["line"]]
    assert [finding["code"] for finding in found] == ["ERROR_IMAGE_MISSING"]
    assert "2 files fit s3://bucket/images/00.png equally well" in found[0]["message"]


def test_class_maps_that_contradict_each_other_are_told(write: Write) -> None:
    output = run(write([*GOOD, line("turned.png", "bolt", "nut")])).stdout
    assert "WARNING_CLASS_MAPS_DIFFER" in output
    assert "class id 0 is 'nut' on line 1 and 'bolt' on line 13; 1 lines contradict an earlier one" in output


@pytest.mark.parametrize(
    ("lines", "arguments", "message"),
    [
        pytest.param(
            [line("a.png", "nut") | line("a.png", "nut", attribute="cc")],
            [],
            r"output.manifest: .*bb \(1 lines\), cc \(1 lines\); .*--label-attribute",
            id="several attributes",
        ),
        pytest.param(
            [b'{"source-ref":"s3://b/a","k":0,"k-metadata":{"type":"groundtruth/image-classification"}}'],
            [],
            r"no bounding boxes but other labels: k \(groundtruth/image-classification\)",
            id="classification",
        ),
        pytest.param(GOOD, ["--images", "nowhere"], "nowhere is not a folder", id="no folder"),
        pytest.param(GOOD, ["--classes", "a", "--classes", "a"], "'a' twice", id="class twice"),
        pytest.param(GOOD, ["--classes", "a,,b"], "holds an empty name", id="class without a name"),
        pytest.param(GOOD, ["--classes", ""], "class list is empty", id="no class"),
        pytest.param(GOOD, ["--classes", '"a,b'], "the quotes are not closed", id="quotes"),
    ],
)
def test_a_users_mistake_is_one_line(write: Write, lines: list[Any], arguments: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        run(write(lines), *arguments)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.manifest does not exist"):
        run(str(tmp_path / "none.manifest"))


@pytest.mark.parametrize("arguments", [[], ["x", "--image-shape", "0"], ["x", "--max-image-mb", "much"]])
def test_usage_errors_exit_with_2(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2
