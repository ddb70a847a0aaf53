"""S3 prefixes and manifests, and the folders they are brought into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundloop.local import LocalAws
from groundloop.local.errors import JobError
from groundloop.local.s3 import S3, inside, split_uri


@pytest.fixture
def s3(aws: LocalAws) -> S3:
    return S3(aws._context.account)


@pytest.mark.parametrize(
    ("uri", "bucket", "key"),
    [
        pytest.param("s3://b/a/key", "b", "a/key", id="plain"),
        pytest.param("s3://b", "b", "", id="bucket only"),
        pytest.param("s3://b/a?b#c", "b", "a?b#c", id="characters that other URIs give a meaning"),
    ],
)
def test_an_uri_has_a_bucket_and_a_key(uri: str, bucket: str, key: str) -> None:
    assert split_uri(uri) == (bucket, key)


@pytest.mark.parametrize("uri", ["b/key", "https://b/key", "s3:///key", ""])
def test_other_uris_are_refused(uri: str) -> None:
    with pytest.raises(JobError, match="is not an S3 URI"):
        split_uri(uri)


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "", "a\0b"])
def test_a_name_that_leaves_the_folder_is_refused(name: str) -> None:
    with pytest.raises(JobError, match="outside the job's folder"):
        inside(Path("/jobs/a"), name, "s3://b/k")


@given(st.text())
def test_no_name_leaves_the_folder(name: str) -> None:
    try:
        path = inside(Path("/jobs/a"), name, "origin")
    except JobError:
        return
    assert path.is_relative_to("/jobs/a")
    assert ".." not in path.parts


def test_a_prefix_brings_what_lies_below_and_its_siblings(s3: S3, put: Callable[..., str]) -> None:
    for key in ("set/test/a.txt", "set/test/sub/b.txt", "set/test_small/c.txt"):
        put(key, key)
    assert [name for _, name in s3.objects("s3://bucket/set/test/")] == ["a.txt", "sub/b.txt"]
    assert [name for _, name in s3.objects("s3://bucket/set/test")] == ["a.txt", "sub/b.txt", "test_small/c.txt"]
    assert s3.objects("s3://bucket/set/test/a.txt") == [("s3://bucket/set/test/a.txt", "a.txt")]


def test_a_prefix_without_objects_is_an_error(s3: S3) -> None:
    with pytest.raises(JobError, match="No S3 objects found under S3 URL 's3://bucket/nothing'"):
        s3.objects("s3://bucket/nothing")
    with pytest.raises(JobError, match="No S3 objects found"):
        s3.objects("s3://no-such-bucket/x")


def test_a_manifest_names_objects_under_its_prefix(s3: S3, put: Callable[..., str]) -> None:
    uri = put("manifest.json", [{"prefix": "s3://bucket/images/"}, "a.jpg", "sub/b.jpg"])
    assert s3.source({"S3DataType": "ManifestFile", "S3Uri": uri}) == [
        ("s3://bucket/images/a.jpg", "a.jpg"),
        ("s3://bucket/images/sub/b.jpg", "sub/b.jpg"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("not json", id="not JSON"),
        pytest.param("[]", id="empty"),
        pytest.param('["a.jpg"]', id="no prefix"),
        pytest.param('[{"prefix": "s3://b/"}, 3]', id="a name that is not a string"),
    ],
)
def test_a_manifest_of_another_form_is_refused(s3: S3, put: Callable[..., str], content: str) -> None:
    with pytest.raises(JobError, match="is not a ManifestFile"):
        s3.manifest_objects(put("bad.json", content))


def test_a_folder_goes_up_and_comes_down(s3: S3, tmp_path: Path) -> None:
    (tmp_path / "up" / "sub").mkdir(parents=True)
    (tmp_path / "up" / "a").write_bytes(b"\x00")
    (tmp_path / "up" / "sub" / "b").write_text("b")
    s3.upload(tmp_path / "up", "s3://bucket/round/trip")
    s3.download(s3.objects("s3://bucket/round/trip/"), tmp_path / "down")
    assert (tmp_path / "down" / "a").read_bytes() == b"\x00"
    assert (tmp_path / "down" / "sub" / "b").read_text() == "b"


def test_a_missing_object_is_named(s3: S3) -> None:
    with pytest.raises(JobError, match="the S3 object s3://bucket/no does not exist"):
        s3.read("s3://bucket/no")
    with pytest.raises(JobError, match="there is no bucket nowhere"):
        s3.read("s3://nowhere/no")
    with pytest.raises(JobError, match="s3://nowhere/no cannot be written: NoSuchBucket"):
        s3.put("s3://nowhere/no", b"")
