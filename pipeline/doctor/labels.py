"""The labels and their images: there, readable, of the right kind, in the right region."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec
from botocore.exceptions import ClientError

from groundloop.aws import error_code
from groundloop.errors import UserError
from groundloop.images.access import MEGABYTE
from groundloop.images.sample import ImageSample, sample_images
from groundloop.labels.attributes import choose_attribute, find_attributes
from groundloop.labels.manifest import ManifestReader, source_ref_of
from groundloop.labels.records import LineStatus
from groundloop.labels.slices import read_slices
from groundloop.s3 import is_forbidden, is_missing
from groundloop.suggestions import near_misses
from pipeline.config import Config
from pipeline.doctor.findings import AccountFinding, error, not_checked, ok, unverified, warning
from pipeline.doctor.manifest import ManifestSample, excerpt
from pipeline.doctor.policy_statement import bucket_of
from pipeline.doctor.session import Aws
from pipeline.doctor.storage import bucket_fault, input_key_finding

MANIFEST, IMAGES = "manifest", "images"
_AUTO = "auto"
_READ_LINES = 1000
_SAMPLED_IMAGES = 200
_NEW_ACCOUNTS = (
    "an account that has not used Ground Truth can't create labeling jobs: make the manifest with `groundloop labels "
    "convert` from COCO, YOLO, VOC or CSV"
)


def labels(config: Config, aws: Aws) -> list[AccountFinding]:
    """Check the manifest's first lines, a sample of its images, and that additional sources exist."""
    uri = config.labels.manifest
    found = [_present(aws, source.uri) for source in config.labels.additional_sources]
    more = [finding for finding in found if finding is not None]
    if fault := _bucket(config, aws, bucket_of(uri), MANIFEST, "labels.manifest"):
        return [fault, not_checked(IMAGES, "the manifest can't be read"), *more]
    try:
        part = excerpt(aws.client("s3"), uri)
    except ClientError as failure:
        finding = _unreadable(aws, uri, failure)
        if finding is None:
            raise
        return [finding, not_checked(IMAGES, "the manifest can't be read"), *more]
    references = [found for found in map(source_ref_of, part.spread) if found.startswith("s3://")]
    names = dict.fromkeys(map(bucket_of, [uri, *references]))
    keys = [input_key_finding(config, aws, name) for name in names]
    return [_manifest(config, part), *_slices(config, part), *_images(config, aws, part), *more, *filter(None, keys)]


def _bucket(config: Config, aws: Aws, name: str, check: str, setting: str) -> AccountFinding | None:
    # The project's own bucket has a finding of its own.
    return None if name == config.aws.bucket else bucket_fault(aws, name, config.aws.region, check, setting)


def _unreadable(aws: Aws, uri: str, failure: ClientError) -> AccountFinding | None:
    if is_missing(failure):
        near = _near(aws, uri)
        remedy = f"did you mean {near}?" if near else f"upload it, or correct labels.manifest; {_NEW_ACCOUNTS}"
        return error(MANIFEST, f"labels.manifest: {uri} does not exist", remedy)
    if is_forbidden(failure):
        remedy = "allow s3:GetObject and s3:ListBucket (without the latter, S3 answers the same for a missing object)"
        return error(MANIFEST, f"labels.manifest: these credentials may not read {uri}", remedy)
    return None


def _near(aws: Aws, uri: str) -> str:
    """Name the object nearby whose key is most alike."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    folder = key.rsplit("/", 1)[0] + "/" if "/" in key else ""
    try:
        listed = aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=folder, MaxKeys=1000)
    except ClientError:
        return ""  # a suggestion less
    near = near_misses(key, [item["Key"] for item in listed.get("Contents", [])], count=1, cutoff=0.5)
    return f"s3://{bucket}/{near[0]}" if near else ""


def _present(aws: Aws, uri: str) -> AccountFinding | None:
    """Report an additional source that does not exist."""
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    try:
        listed = aws.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except ClientError as failure:
        return unverified(MANIFEST, f"labels.additional_sources: {uri}", error_code(failure))
    if listed.get("KeyCount", len(listed.get("Contents", []))):
        return ok(MANIFEST, f"labels.additional_sources: {uri} is there")
    return error(
        MANIFEST,
        f"labels.additional_sources: nothing is at {uri}",
        "upload it there, or correct labels.additional_sources",
    )


def _manifest(config: Config, part: ManifestSample) -> AccountFinding:
    uri, attribute = config.labels.manifest, config.labels.attribute
    if not part.head:
        return error(MANIFEST, f"{uri} has no lines", f"set labels.manifest to an output.manifest; {_NEW_ACCOUNTS}")
    seen = find_attributes(part.head)
    try:
        chosen = choose_attribute(seen) if attribute == _AUTO else attribute
    except UserError as fault:
        return error(MANIFEST, f"{uri}: {fault}", "set labels.attribute (parameter LabelAttribute)")
    if attribute != _AUTO and attribute not in seen.detection:
        there = ", ".join(seen.detection) or ", ".join(f"{name} ({kind})" for name, kind in seen.other.items())
        remedy = f"set labels.attribute to one of: {there}" if there else "is it a manifest of bounding boxes?"
        return error(MANIFEST, f"{uri}: its first lines have no label attribute {attribute!r}", remedy)
    return _checked_lines(config, part, chosen)


def _checked_lines(config: Config, part: ManifestSample, attribute: str) -> AccountFinding:
    reader = ManifestReader(attribute, config.labels.classes or None, config.prepare.clip_tolerance_pixels)
    lines = [reader.read_line(number, raw) for number, raw in enumerate(part.head[:_READ_LINES], 1)]
    kinds = Counter(line.status for line in lines)
    counts = ", ".join(f"{count} {kind.value}" for kind, count in kinds.most_common())
    text = f"{config.labels.manifest}: {part.describe_sample} lines, label attribute {attribute!r}"
    text += f"; first {len(lines)}: {counts}"
    rejected = next((line for line in lines if line.status is LineStatus.REJECTED), None)
    remedy = f"groundloop labels check {config.labels.manifest} --region {config.aws.region}"
    if rejected is not None:
        finding = rejected.findings[0]
        text += f"; line {rejected.number}: {finding.code.value}: {finding.message}"
    if not kinds[LineStatus.LABELLED]:
        return error(MANIFEST, text, f"{remedy} says what is wrong with each line")
    if rejected is not None:
        return warning(MANIFEST, text, f"{remedy}; Prepare keeps such lines out")
    return ok(MANIFEST, text)


def _slices(config: Config, part: ManifestSample) -> Iterator[AccountFinding]:
    """Report keys that Evaluate can't slice the metrics by, which it would say after the training only."""
    if not config.evaluate.slices or not part.spread:
        return
    try:
        read_slices(
            ((source_ref_of(line), line) for line in part.spread), config.evaluate.slices, config.labels.manifest
        )
    except UserError as fault:
        yield warning(MANIFEST, f"evaluate.slices: {fault}", "Evaluate fails on it unless the test images have it")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return  # lines that are not JSON have a finding of their own


def _images(config: Config, aws: Aws, part: ManifestSample) -> Iterator[AccountFinding]:
    references = [found for found in dict.fromkeys(map(source_ref_of, part.spread)) if found.startswith("s3://")]
    if not references:
        yield not_checked(IMAGES, "no line that was read names one")
        return
    buckets = list(dict.fromkeys(map(bucket_of, references)))
    if len(buckets) > 1:
        remedy = "copy the images into one bucket and correct the source-refs: Batch Transform's list takes one prefix"
        yield error(IMAGES, f"the images lie in {len(buckets)} buckets: {', '.join(buckets)}", remedy)
        return
    if buckets[0] != bucket_of(config.labels.manifest) and (
        fault := _bucket(config, aws, buckets[0], IMAGES, "source-ref")
    ):
        yield fault
        return
    most = int(config.predict.max_payload_mb * MEGABYTE)
    sample = sample_images(aws.images(), references, _SAMPLED_IMAGES, most)
    yield _sampled(config, sample, part.describe_sample if not part.whole else str(len(references)))


def _sampled(config: Config, sample: ImageSample, of: str) -> AccountFinding:
    text = f"{'all' if of == str(sample.checked) else f'{sample.checked} of'} {of} images checked in S3"
    if not sample.problems:
        return ok(IMAGES, f"{text}, all are there and at most {config.predict.max_payload_mb} MB")
    reference, problem = next(iter(sample.problems.items()))
    text += f", {len(sample.problems)} can't be used, {reference} for one: {problem}"
    if len(sample.forbidden) == sample.checked:
        remedy = "the role may be allowed though these credentials are not: see permissions"
        return unverified(IMAGES, text, "access is denied to all", remedy)
    if len(sample.problems) == sample.checked:
        return error(IMAGES, text, "upload the images to where the source-refs say, or correct these")
    keeps = "Prepare fails on them later" if config.prepare.check_images == "none" else "Prepare keeps them out"
    check = f"groundloop labels check {config.labels.manifest} --images --region {config.aws.region}"
    return warning(IMAGES, text, f"{keeps}; `{check}` names them all")
