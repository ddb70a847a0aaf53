"""Checks of the channels of the built-in Object Detection algorithm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from groundloop.check.business_rules import items, part
from groundloop.check.detector_job import DetectorJob
from groundloop.check.findings import DefinitionCode, DefinitionFinding
from groundloop.spec.definition import Json
from groundloop.spec.expressions import GET, expression
from groundloop.spec.known_values import UNKNOWN
from groundloop.spec.object_detection import (
    CHANNELS,
    HYPERPARAMETERS,
    IMAGE_CONTENT_TYPES,
    MODEL_CONTENT_TYPE,
    RECORDIO,
    REQUIRED_CHANNELS,
)
from groundloop.suggestions import correction, listed, quoted


def check_channels(job: DetectorJob) -> Iterator[DefinitionFinding]:
    """Check which channels a job has, and what each says of its data."""
    channels: dict[str, tuple[Json, str]] = {}
    for index, item in enumerate(items(job.request, "InputDataConfig")):
        name = job.known(item.get("ChannelName")) if isinstance(item, dict) else UNKNOWN
        if not isinstance(name, str):
            return
        channels[name] = item, f"InputDataConfig[{index}]"
    for name in REQUIRED_CHANNELS:
        if name not in channels:
            message = f"the algorithm needs the channel {name}"
            yield job.finding(DefinitionCode.CHANNELS, "InputDataConfig", message, f"add a channel {name}")
    images = any(job.known(channel.get("ContentType")) in IMAGE_CONTENT_TYPES for channel, _ in channels.values())
    for name, (channel, at) in channels.items():
        if name not in CHANNELS:
            message = f"the algorithm has no channel {quoted(name)}"
            remedy = correction(name, CHANNELS, f"use {', '.join(CHANNELS)}")
            yield job.finding(DefinitionCode.CHANNELS, f"{at}.ChannelName", message, remedy)
        elif name == "model":
            yield from _model_channel(job, channel, at)
        else:
            yield from _data_channel(job, name, channel, at)
    augmented = any(_is_augmented(job, channel) for channel, _ in channels.values())
    for name in REQUIRED_CHANNELS if images and not augmented else ():
        if name in channels and f"{name}_annotation" not in channels:
            message = f"images in channel {name} need their annotations in channel {name}_annotation"
            yield job.finding(DefinitionCode.CHANNELS, "InputDataConfig", message, f"add a channel {name}_annotation")


def _is_augmented(job: DetectorJob, channel: Json) -> bool:
    source = part(channel, "DataSource", "S3DataSource")
    return bool(job.known(source.get("S3DataType")) == "AugmentedManifestFile")


def _data_channel(job: DetectorJob, name: str, channel: Json, at: str) -> Iterator[DefinitionFinding]:
    content, mode = job.known(channel.get("ContentType")), job.input_mode(channel)
    if mode not in ("Pipe", "File", UNKNOWN):
        yield job.finding(
            DefinitionCode.CHANNELS, f"{at}.InputMode", f"the algorithm has no mode {quoted(mode)}", "use Pipe"
        )
    if not _is_augmented(job, channel):
        if content is not UNKNOWN and content not in (RECORDIO, *IMAGE_CONTENT_TYPES):
            message = f"content type {quoted(content)} is not one that the algorithm reads"
            remedy = f"use one of {listed((RECORDIO, *IMAGE_CONTENT_TYPES))}"
            yield job.finding(DefinitionCode.CONTENT_TYPE, f"{at}.ContentType", message, remedy)
        return
    if content is not UNKNOWN and content != RECORDIO:
        message = f"an augmented manifest reaches the algorithm as RecordIO, content type is {quoted(content)}"
        yield job.finding(DefinitionCode.CONTENT_TYPE, f"{at}.ContentType", message, f"use {RECORDIO}")
    wrapper = job.known(channel.get("RecordWrapperType"))
    if wrapper not in ("RecordIO", UNKNOWN):
        message = "without RecordIO around them the algorithm can't tell images from labels in the stream"
        remedy = "set RecordWrapperType to RecordIO"
        yield job.finding(DefinitionCode.AUGMENTED_MANIFEST, f"{at}.RecordWrapperType", message, remedy)
    source = part(channel, "DataSource", "S3DataSource")
    yield from _attributes(job, source.get("AttributeNames"), f"{at}.DataSource.S3DataSource.AttributeNames")
    if name == "train" and channel.get("ShuffleConfig") is None:
        message = "every epoch has the images in the manifest's order"
        yield job.finding(DefinitionCode.NOT_SHUFFLED, f"{at}.ShuffleConfig", message, 'add {"Seed": 1}')


def _attributes(job: DetectorJob, names: Any, at: str) -> Iterator[DefinitionFinding]:
    if not isinstance(names, list) or not names:
        return  # reported for any augmented manifest
    known_names = [job.known(name) for name in names]
    if len(names) != 2:
        message = f"the algorithm takes two attributes, the image and its label; AttributeNames has {len(names)}"
        yield job.finding(DefinitionCode.AUGMENTED_MANIFEST, at, message, 'write ["source-ref", "<label attribute>"]')
    elif "source-ref" in known_names[1:] or known_names[0] not in ("source-ref", UNKNOWN):
        message = f"the image has to come first, AttributeNames begins with {quoted(names[0])}"
        yield job.finding(DefinitionCode.AUGMENTED_MANIFEST, at, message, 'write ["source-ref", "<label attribute>"]')


def _model_channel(job: DetectorJob, channel: Json, at: str) -> Iterator[DefinitionFinding]:
    content, mode = job.known(channel.get("ContentType")), job.input_mode(channel)
    if content is not UNKNOWN and content != MODEL_CONTENT_TYPE:
        message = f"the channel model has content type {quoted(content)}"
        yield job.finding(DefinitionCode.INCREMENTAL, f"{at}.ContentType", message, f"use {MODEL_CONTENT_TYPE}")
    if mode not in ("File", UNKNOWN):
        message = f"the model to start from is read as a file, input mode is {quoted(mode)}"
        yield job.finding(
            DefinitionCode.INCREMENTAL, f"{at}.InputMode", message, "set InputMode of the channel to File"
        )
    if job.value("use_pretrained_model", "1") == "1":
        message = "the channel model gives the weights to start from, but use_pretrained_model is 1"
        at = f"{job.hyperparameter_key}.use_pretrained_model"
        yield job.finding(DefinitionCode.INCREMENTAL_WEIGHTS, at, message, "set use_pretrained_model to 0")
    uri = part(channel, "DataSource", "S3DataSource").get("S3Uri")
    function, body = expression(uri) or ("", None)
    earlier = (
        job.definition.steps_by_name.get(str(body).split(".")[1]) if function == GET and "." in str(body) else None
    )
    before = part(earlier.arguments, "HyperParameters") if earlier and earlier.type == "Training" else {}
    for name, default in (("base_network", HYPERPARAMETERS["base_network"].default), ("num_classes", None)):
        then = job.known(before[name]) if before.get(name) is not None else default
        now = job.value(name, default)
        if before and isinstance(then, str) and isinstance(now, str) and then != now:
            message = f"{name} is {quoted(now)}, the model to start from was trained with {quoted(then)}"
            yield job.finding(
                DefinitionCode.INCREMENTAL, f"{job.hyperparameter_key}.{name}", message, f"use {quoted(then)}"
            )
