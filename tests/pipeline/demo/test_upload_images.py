"""Someone's images go where their manifest says they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from groundloop.errors import UserError
from pipeline.config import load_config
from pipeline.demo.offline_run import upload_reviewed
from pipeline.demo.upload_images import make_bucket, source_refs, upload_images

LOCAL = Path(__file__).resolve().parents[3] / "configs" / "local.yaml"


def put(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def stored(s3: Any, bucket: str) -> dict[str, str]:
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in keys}


def test_source_refs_are_read_from_the_lines_that_can_be() -> None:
    manifest = Path(__file__)  # no line of it is JSON
    assert source_refs(manifest) == []


def test_each_source_ref_is_named_once(tmp_path: Path) -> None:
    lines = ["s3://b/1.jpg", "s3://b/2.jpg", "s3://b/1.jpg", "http://b/3.jpg", "s3://b", 4]
    content = "\n".join(json.dumps({"source-ref": line}) for line in lines) + "\nnot json\n[1]\n"
    (tmp_path / "m").write_text(content)
    assert source_refs(tmp_path / "m") == ["s3://b/1.jpg", "s3://b/2.jpg"]


def test_images_are_found_by_the_longest_tail(s3: Any, tmp_path: Path) -> None:
    images = put(tmp_path, "a.jpg", "red/b.jpg", "blue/b.jpg")
    placed = upload_images(
        s3, ["s3://one/x/a.jpg", "s3://one/x/red/b.jpg", "s3://two/blue/b.jpg", "s3://one/c.jpg"], images
    )
    assert (placed.count, placed.missing) == (3, ["s3://one/c.jpg"])
    assert stored(s3, "one") == {"x/a.jpg": "a.jpg", "x/red/b.jpg": "red/b.jpg"}
    assert stored(s3, "two") == {"blue/b.jpg": "blue/b.jpg"}


def test_reviewed_labels_go_to_the_configurations_bucket_with_their_images(s3: Any, tmp_path: Path) -> None:
    config = load_config([LOCAL], [], environment={})
    make_bucket(s3, config.aws.bucket)
    (tmp_path / "reviewed.manifest").write_text('{"source-ref": "s3://groundloop-local/images/more/a.jpg"}\n')
    uri = upload_reviewed(config, tmp_path / "reviewed.manifest", put(tmp_path, "photos/a.jpg", "more/a.jpg"), print)
    assert uri == "s3://groundloop-local/groundloop/reviews/reviewed.manifest"
    kept = stored(s3, config.aws.bucket)
    assert kept["images/more/a.jpg"] == "more/a.jpg"
    assert kept["groundloop/reviews/reviewed.manifest"] == (tmp_path / "reviewed.manifest").read_text()


def test_reviewed_labels_of_no_image_are_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "reviewed.manifest").write_text("\n")
    with pytest.raises(UserError, match=r"--reviewed .*: no line names an image"):
        upload_reviewed(load_config([LOCAL], [], environment={}), tmp_path / "reviewed.manifest", tmp_path, print)


@pytest.mark.parametrize(
    ("files", "references", "message"),
    [
        pytest.param(["red/b.jpg", "blue/b.jpg"], ["s3://one/b.jpg"], "2 files fit s3://one/b.jpg equally", id="a tie"),
        pytest.param(["a.jpg"], ["s3://one/b.jpg"], "holds none of the 1 images", id="other names"),
        pytest.param([], ["s3://one/b.jpg"], "holds none of the 1 images", id="an empty folder"),
    ],
)
def test_what_cannot_be_placed(s3: Any, tmp_path: Path, files: list[str], references: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        upload_images(s3, references, put(tmp_path, *files))


def test_images_must_be_a_folder(s3: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a folder"):
        upload_images(s3, ["s3://one/b.jpg"], tmp_path / "missing")


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_making_a_bucket_twice_is_fine(s3: Any, region: str) -> None:
    client = boto3.client("s3", region_name=region)
    make_bucket(client, "bucket")
    make_bucket(client, "bucket")
    assert [bucket["Name"] for bucket in client.list_buckets()["Buckets"]] == ["bucket"]
