"""The manifest and a sample of its images, with as few calls as it takes."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from groundloop.images.access import ImageFault, UnusableImageError
from pipeline.doctor import manifest as excerpts
from pipeline.doctor.findings import AccountFinding, Level
from pipeline.doctor.labels import labels
from pipeline.doctor.manifest import excerpt

Build = Callable[..., Any]
BOX = {"class_id": 0, "left": 1, "top": 1, "width": 5, "height": 5}
METADATA = {"type": "groundtruth/object-detection", "class-map": {"0": "bolt"}, "objects": [{"confidence": 1}]}


def line(number: int, attribute: str = "parts", bucket: str = "my-bucket", **changes: Any) -> bytes:
    label = {"annotations": [BOX], "image_size": [{"width": 64, "height": 64, "depth": 3}]}
    record = {"source-ref": f"s3://{bucket}/i/{number}.jpg", attribute: label, f"{attribute}-metadata": METADATA}
    return json.dumps({**record, **changes}).encode()


def encryption(key: str = "") -> dict[str, Any]:
    """A bucket's default encryption: by a customer managed key, or S3's own."""
    rule = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key} if key else {"SSEAlgorithm": "AES256"}
    return {"ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": rule}]}}


class Bucket:
    """One object in S3 and what was read of it."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.bytes_read = 0
        self.encryption = encryption()

    @property
    def answers(self) -> dict[str, Any]:
        return {
            "head_object": {"ContentLength": len(self._content)},
            "get_object": self._part,
            "head_bucket": {"BucketRegion": "us-east-1"},
            "get_bucket_encryption": self.encryption,
        }

    def _part(self, request: dict[str, Any]) -> dict[str, Any]:
        first, last = map(int, request["Range"].removeprefix("bytes=").split("-"))
        part = self._content[first : last + 1]
        self.bytes_read += len(part)
        return {"Body": io.BytesIO(part)}


def looked(scripted: Build, config: Any, content: bytes, images: Any = None) -> dict[str, AccountFinding]:
    return {finding.check: finding for finding in labels(config, scripted(images, s3=Bucket(content).answers))}


def test_labels_as_they_should_be(scripted: Build, configured: Build) -> None:
    found = looked(scripted, configured(), b"\n".join(line(number) for number in range(30)))
    assert {finding.level for finding in found.values()} == {Level.OK}
    assert found["manifest"].text.endswith("30 lines, label attribute 'parts'; first 30: 30 labelled")
    assert found["images"].text == "all 30 images checked in S3, all are there and at most 6 MB"


def test_faulty_lines_are_a_warning(scripted: Build, configured: Build) -> None:
    found = looked(scripted, configured(), b"\n".join([line(1), b"{not json", line(3)]))["manifest"]
    assert found.level is Level.WARNING
    assert "; line 2: ERROR_INVALID_JSON_LINE: " in found.text
    assert "groundloop labels check s3://my-bucket/" in found.remedy


@pytest.mark.parametrize(
    ("content", "assignments", "text", "remedy"),
    [
        pytest.param(b"", [], "has no lines", "output.manifest", id="an empty file"),
        pytest.param(b"{not json\n", [], "1 rejected", "what is wrong with each line", id="no usable line"),
        pytest.param(
            line(1),
            ["labels.attribute=part"],
            "no label attribute 'part'",
            "set labels.attribute to one of: parts",
            id="another attribute",
        ),
        pytest.param(
            line(1, **json.loads(line(1, attribute="adjusted"))),
            [],
            "2 label attributes with boxes",
            "set labels.attribute",
            id="two attributes",
        ),
        pytest.param(
            json.dumps(
                {"source-ref": "s3://b/x.jpg", "a": 1, "a-metadata": {"type": "groundtruth/image-classification"}}
            ).encode(),
            [],
            "no bounding boxes but other labels",
            "set labels.attribute",
            id="labels of another kind",
        ),
        pytest.param(line(1), ["labels.classes=[nut]"], "1 rejected", "labels check", id="a class that isn't allowed"),
    ],
)
def test_labels_that_cannot_be_used(
    scripted: Build, configured: Build, content: bytes, assignments: list[str], text: str, remedy: str
) -> None:
    found = looked(scripted, configured(*assignments), content)["manifest"]
    assert found.level is Level.ERROR
    assert text in found.text
    assert remedy in found.remedy


KEY_ARN = "arn:aws:kms:us-east-1:111122223333:key/0aa0-1"


@pytest.mark.parametrize(
    ("assignments", "level"),
    [
        pytest.param([], Level.WARNING, id="of which the role knows nothing"),
        pytest.param([f"aws.decrypt_keys=['{KEY_ARN}']"], None, id="configured"),
        pytest.param(["aws.decrypt_keys=[0aa0-1]"], None, id="configured by its id"),
        pytest.param([f"aws.kms_key={KEY_ARN}"], None, id="that encrypts the results too"),
    ],
)
def test_the_key_of_the_images_bucket_has_to_be_allowed(
    scripted: Build, configured: Build, assignments: list[str], level: Level | None
) -> None:
    bucket = Bucket(line(1, bucket="pictures"))
    bucket.encryption = encryption(KEY_ARN)
    findings = labels(configured(*assignments), scripted(s3=bucket.answers))
    keys = [finding for finding in findings if finding.check == "KMS key"]
    assert [finding.level for finding in keys] == ([level] if level else [])
    if level:
        assert KEY_ARN in keys[0].text
        assert f"aws.decrypt_keys=[{KEY_ARN}]" in keys[0].remedy


def test_without_a_manifest_the_ways_without_ground_truth_are_named(
    scripted: Build, configured: Build, refusal: Callable[..., Exception]
) -> None:
    """Ground Truth takes no new customers."""
    listed = {"KeyCount": 0, "Contents": []}
    aws = scripted(s3={"head_object": refusal("404", 404), "list_objects_v2": listed})
    (found, _) = labels(configured(), aws)
    assert "can't create labeling jobs" in found.remedy
    assert "groundloop labels convert" in found.remedy


def test_a_manifest_that_is_not_there_names_the_nearest(
    scripted: Build, configured: Build, refusal: Callable[..., Exception]
) -> None:
    listed = {"Contents": [{"Key": "labels/my-job/manifests/output/output.manifest.json"}, {"Key": "labels/x"}]}
    aws = scripted(s3={"head_object": refusal("404", 404), "list_objects_v2": listed})
    missing, images = labels(configured(), aws)
    assert missing.level is Level.ERROR
    assert missing.remedy == "did you mean s3://my-bucket/labels/my-job/manifests/output/output.manifest.json?"
    assert (images.level, images.text) == (Level.SKIPPED, "not checked because the manifest can't be read")


def test_a_manifest_that_may_not_be_read(scripted: Build, configured: Build, refusal: Callable[..., Exception]) -> None:
    found, _ = labels(configured(), scripted(s3={"head_object": refusal("403", 403)}))
    assert found.level is Level.ERROR
    assert "allow s3:GetObject" in found.remedy


def test_the_manifests_bucket_has_to_be_in_the_region(scripted: Build, configured: Build) -> None:
    aws = scripted(s3={"head_bucket": {"BucketRegion": "eu-west-1"}})
    found, _ = labels(configured("labels.manifest=s3://theirs/m.manifest"), aws)
    assert (found.check, found.level) == ("manifest", Level.ERROR)
    assert found.text == "labels.manifest: theirs is in eu-west-1, the jobs are in us-east-1"


def test_some_images_missing_is_a_warning(scripted: Build, configured: Build, images: Build) -> None:
    gone = images(**{"3": UnusableImageError(ImageFault.MISSING, "it is gone"), "4": 7_000_000})
    found = looked(scripted, configured(), b"\n".join(line(number) for number in range(9)), gone)["images"]
    assert found.level is Level.WARNING
    assert found.text == "all 9 images checked in S3, 2 can't be used, s3://my-bucket/i/3.jpg for one: it is gone"
    assert "Prepare keeps them out" in found.remedy


def test_all_images_missing_is_an_error(scripted: Build, configured: Build, images: Build) -> None:
    found = looked(scripted, configured(), line(1), images(size=0))["images"]
    assert found.level is Level.ERROR


def test_images_that_these_credentials_may_not_see_are_unverified(
    scripted: Build, configured: Build, images: Build
) -> None:
    forbidden = images(**{"1": UnusableImageError(ImageFault.FORBIDDEN, "denied")})
    found = looked(scripted, configured(), line(1), forbidden)["images"]
    assert found.level is Level.WARNING
    assert found.text.startswith("unverified: ")


def test_batch_transform_takes_images_of_one_bucket(scripted: Build, configured: Build) -> None:
    found = looked(scripted, configured(), line(1) + b"\n" + line(2, bucket="another"))["images"]
    assert found.level is Level.ERROR
    assert "2 buckets: my-bucket, another" in found.text


def test_further_labels(scripted: Build, configured: Build) -> None:
    s3 = Bucket(line(1)).answers | {"list_objects_v2": lambda request: {"KeyCount": int("here" in request["Prefix"])}}
    config = configured("labels.additional_sources=[{uri: 's3://more/here.json'}, {uri: 's3://more/gone.json'}]")
    found = [
        finding for finding in labels(config, scripted(s3=s3)) if finding.text.startswith("labels.additional_sources")
    ]
    assert [finding.level for finding in found] == [Level.OK, Level.ERROR]


def test_a_large_manifest_is_read_in_places_only(
    scripted: Build, configured: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excerpts, "_WHOLE_BYTES", 10_000)
    monkeypatch.setattr(excerpts, "_HEAD_BYTES", 2_000)
    monkeypatch.setattr(excerpts, "_PART_BYTES", 1_000)
    lines = [line(number) for number in range(1000)]
    bucket = Bucket(b"\n".join(lines))
    part = excerpt(scripted(s3=bucket.answers).client("s3"), "s3://my-bucket/m")
    assert part.head == lines[: len(part.head)]
    assert set(part.spread) <= set(lines)
    assert part.spread[-1] in lines[-10:], "to its end"
    assert not part.whole
    assert abs(part.count - 1000) < 20
    assert bucket.bytes_read <= 2_000 + 12 * 1_000


@pytest.mark.parametrize("whole", [pytest.param(True, id="whole"), pytest.param(False, id="its beginning")])
def test_a_compressed_manifest(scripted: Build, monkeypatch: pytest.MonkeyPatch, whole: bool) -> None:
    lines = [line(number, noise=str(hash(str(number)))) for number in range(1000)]
    content = gzip.compress(b"\n".join(lines))
    if not whole:
        monkeypatch.setattr(excerpts, "_WHOLE_BYTES", len(content) - 1)
        monkeypatch.setattr(excerpts, "_HEAD_BYTES", len(content) // 2)
    part = excerpt(scripted(s3=Bucket(content).answers).client("s3"), "s3://my-bucket/m.gz")
    assert part.head == lines[: len(part.head)]
    assert part.whole is whole
    assert abs(part.count - 1000) < 100


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param("site", [], id="a key of the lines"),
        pytest.param("sites", ["no line has the key 'sites' to slice by; did you mean 'site'?"], id="a misspelt key"),
    ],
)
def test_keys_to_slice_by_are_looked_for(scripted: Build, configured: Build, key: str, expected: list[str]) -> None:
    content = line(1, site="Ulm") + b"\n" + line(2, site="Jena") + b"\n"
    found = labels(configured(f"evaluate.slices=[{key}]"), scripted(None, s3=Bucket(content).answers))
    texts = [finding.text for finding in found if "evaluate.slices" in finding.text]
    assert len(texts) == len(expected)
    assert all(message in text for message, text in zip(expected, texts, strict=True))
