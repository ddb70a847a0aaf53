"""The rules of the built-in Object Detection algorithm, for each training job that has its image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from groundloop.check.business_rules import items, part, training_jobs
from groundloop.check.findings import DefinitionCode, DefinitionFinding
from groundloop.check.image_uri import algorithm_image
from groundloop.spec.definition import Definition, Json, Step
from groundloop.spec.expressions import GET, UNKNOWN, child, expression, known
from groundloop.spec.object_detection import (
    DEFAULT_BATCH,
    DEFAULT_EPOCHS,
    DEFAULT_NETWORK,
    LARGEST_BATCH_ON_P3_2XLARGE,
    REQUIRED,
    RULES,
)
from groundloop.suggestions import correction, listed, nearest, quoted

_RECORDIO = "application/x-recordio"
_MODEL_TYPE = "application/x-sagemaker-model"
_IMAGE_TYPES = ("application/x-image", "image/jpeg", "image/png")
_CHANNELS = ("train", "validation", "train_annotation", "validation_annotation", "model")
_TRAINS_ON = ("ml.p2.", "ml.p3.", "ml.g4dn.", "ml.g5.")
# Beginnings of the names of machines without a GPU.
_WITHOUT_GPU = ("ml.m", "ml.c", "ml.r", "ml.t", "ml.inf")
_METRIC = "validation:mAP"


def check_algorithm(definition: Definition) -> Iterator[DefinitionFinding]:
    """The findings in all Training and Tuning steps with the algorithm's image, and in transforms of its models."""
    for step in definition.steps:
        for job, path in training_jobs(step):
            image = known(part(job, "AlgorithmSpecification").get("TrainingImage"), definition)
            if algorithm_image(image):
                yield from _Job(definition, step, job, path).check(image)
        if step.type == "Transform" and _transforms_detector(definition, step):
            given = known(part(step.arguments, "TransformInput").get("ContentType"), definition)
            if given is not UNKNOWN and given not in _IMAGE_TYPES:
                told = f"the algorithm's model takes images, ContentType is {quoted(given)}"
                at = "Arguments.TransformInput.ContentType"
                yield DefinitionFinding(
                    DefinitionCode.CONTENT_TYPE, step.name, at, told, f"use one of {', '.join(_IMAGE_TYPES)}"
                )


def _transforms_detector(definition: Definition, step: Step) -> bool:
    function, body = expression(step.arguments.get("ModelName")) or ("", None)
    model = definition.named.get(str(body).split(".")[1]) if function == GET and str(body).count(".") > 1 else None
    image = part(model.arguments, "PrimaryContainer").get("Image") if model and model.type == "Model" else None
    return algorithm_image(known(image, definition)) is not None


class _Job:
    def __init__(self, definition: Definition, step: Step, job: Json, path: str) -> None:
        self._definition, self._step, self._job, self._path = definition, step, job, path
        self._key = "StaticHyperParameters" if step.type == "Tuning" else "HyperParameters"
        self._given = part(job, self._key)
        # A search of one job has them in the job's definition or beside it.
        config = part(step.arguments, "HyperParameterTuningJobConfig")
        tuned, at = part(job, "HyperParameterRanges"), f"{path}.HyperParameterRanges"
        if not tuned:
            tuned, at = part(config, "ParameterRanges"), "Arguments.HyperParameterTuningJobConfig.ParameterRanges"
        self._goal, self._goal_path = part(job, "TuningObjective"), f"{path}.TuningObjective"
        if not self._goal:
            self._goal = part(config, "HyperParameterTuningJobObjective")
            self._goal_path = "Arguments.HyperParameterTuningJobConfig.HyperParameterTuningJobObjective"
        self._tuned = {
            str(item.get("Name")): f"{at}.{kind}[{index}]"
            for kind in ("IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges")
            for index, item in enumerate(items(tuned, kind))
            if isinstance(item, dict)
        }

    def _finding(self, code: DefinitionCode, path: str, message: str, remedy: str) -> DefinitionFinding:
        return DefinitionFinding(code, self._step.name, f"{self._path}.{path}", message, remedy)

    def _value(self, name: str, default: str | None = None) -> Any:
        """What a hyperparameter is known to be: its text, the default when it isn't given, else UNKNOWN."""
        if name in self._tuned:
            return UNKNOWN
        value = self._given.get(name)
        return (UNKNOWN if default is None else default) if value is None else known(value, self._definition)

    def _count(self, name: str, default: int | None = None) -> int | None:
        text = self._value(name, None if default is None else str(default))
        return int(text) if isinstance(text, str) and RULES[name].integer and RULES[name].allows(text) else None

    def check(self, image: str) -> Iterator[DefinitionFinding]:
        yield from self._image(image)
        yield from self._hyperparameters()
        yield from self._together()
        yield from self._machines()
        yield from self._channels()
        yield from self._objective()

    def _image(self, uri: str) -> Iterator[DefinitionFinding]:
        image, at = algorithm_image(uri), "AlgorithmSpecification.TrainingImage"
        if image is None:
            return
        if image.right_account is not None and image.account != image.right_account:
            told = f"account {image.account} does not have the algorithm's image in {image.region}"
            yield self._finding(DefinitionCode.IMAGE, at, told, f"use account {image.right_account}")
        if image.tag != "1":
            told = f"tag {quoted(image.tag)} is not the algorithm's stable version"
            yield self._finding(DefinitionCode.IMAGE_TAG, at, told, "use tag 1")

    def _hyperparameters(self) -> Iterator[DefinitionFinding]:
        for name in REQUIRED:
            if self._given.get(name) is None and name not in self._tuned:
                told = f"the algorithm needs hyperparameter {name}"
                yield self._finding(DefinitionCode.HYPERPARAMETER, f"{self._key}.{name}", told, f"add {name}")
        for name, value in self._given.items():
            # What begins so is for SageMaker, not for the algorithm.
            if name.startswith(("_", "sagemaker_")):
                continue
            at = child(self._key, name)
            if name not in RULES:
                told = f"the algorithm has no hyperparameter {quoted(name)}"
                remedy = correction(name, RULES, f"remove it; there is: {', '.join(RULES)}")
                yield self._finding(DefinitionCode.HYPERPARAMETER, at, told, remedy)
                continue
            text = known(value, self._definition)
            if isinstance(text, str) and not RULES[name].allows(text):
                told = f"hyperparameter {name} is {quoted(text)}"
                near = nearest(text, RULES[name].words)
                remedy = f"write {quoted(near)}" if near else f"use {RULES[name].told}"
                yield self._finding(DefinitionCode.HYPERPARAMETER, at, told, remedy)

    def _together(self) -> Iterator[DefinitionFinding]:
        samples, batch = self._count("num_training_samples"), self._count("mini_batch_size", DEFAULT_BATCH)
        if samples is not None and batch is not None and batch > samples:
            told = f"mini_batch_size {batch} is more than num_training_samples {samples}"
            yield self._finding(
                DefinitionCode.BATCH_SIZE, f"{self._key}.mini_batch_size", told, f"use at most {samples}"
            )
        network = self._value("base_network", DEFAULT_NETWORK)
        most = LARGEST_BATCH_ON_P3_2XLARGE.get(network) if isinstance(network, str) else None
        machine = known(part(self._job, "ResourceConfig").get("InstanceType"), self._definition)
        if machine == "ml.p3.2xlarge" and batch is not None and most is not None and batch > most:
            told = f"mini_batch_size {batch} does not fit the memory of {machine} with {network}"
            remedy = f"use at most {most}, or a machine with more GPUs"
            yield self._finding(DefinitionCode.BATCH_MEMORY, f"{self._key}.mini_batch_size", told, remedy)
        text, epochs = self._value("lr_scheduler_step"), self._count("epochs", DEFAULT_EPOCHS)
        if isinstance(text, str) and text and RULES["lr_scheduler_step"].allows(text):
            steps, at = [int(item) for item in text.split(",")], f"{self._key}.lr_scheduler_step"
            if steps != sorted(set(steps)):
                told = f"lr_scheduler_step {quoted(text)} does not rise from epoch to epoch"
                yield self._finding(DefinitionCode.LEARNING_STEPS, at, told, "write the epochs in rising order")
            if epochs is not None and max(steps) >= epochs:
                told = f"lr_scheduler_step {quoted(text)} lies outside the run: epochs is {epochs}"
                yield self._finding(
                    DefinitionCode.LEARNING_STEPS, at, told, f"use epochs below {epochs}, or train for longer"
                )

    def _machines(self) -> Iterator[DefinitionFinding]:
        machines, at = part(self._job, "ResourceConfig"), "ResourceConfig.InstanceType"
        machine = known(machines.get("InstanceType"), self._definition)
        if isinstance(machine, str) and not machine.startswith(_TRAINS_ON):
            listed_families = ", ".join(name.strip(".") for name in _TRAINS_ON)
            if machine.startswith(_WITHOUT_GPU):
                told = f"the algorithm trains on GPUs only, {machine} has none that it uses"
                yield self._finding(DefinitionCode.MACHINES, at, told, f"use one of {listed_families}")
            else:
                told = f"{machine} is not among the machines that the algorithm is documented for"
                yield self._finding(
                    DefinitionCode.UNLISTED_MACHINE, at, told, f"use one of {listed_families}, or try it first"
                )
        count = known(machines.get("InstanceCount"), self._definition)
        several = isinstance(count, int | float) and count > 1
        if several and self._given.get("kv_store") is None and "kv_store" not in self._tuned:
            told = f"{count} machines need hyperparameter kv_store: how they share gradients"
            yield self._finding(
                DefinitionCode.MACHINES, f"{self._key}.kv_store", told, "add kv_store: dist_sync or dist_async"
            )

    def _channels(self) -> Iterator[DefinitionFinding]:
        channels: dict[str, tuple[Json, str]] = {}
        for index, item in enumerate(items(self._job, "InputDataConfig")):
            name = known(item.get("ChannelName"), self._definition) if isinstance(item, dict) else UNKNOWN
            if not isinstance(name, str):
                return
            channels[name] = item, f"InputDataConfig[{index}]"
        for name in ("train", "validation"):
            if name not in channels:
                told = f"the algorithm needs the channel {name}"
                yield self._finding(DefinitionCode.CHANNELS, "InputDataConfig", told, f"add a channel {name}")
        images = any(self._content_type(channel) in _IMAGE_TYPES for channel, _ in channels.values())
        for name, (channel, at) in channels.items():
            if name not in _CHANNELS:
                told = f"the algorithm has no channel {quoted(name)}"
                remedy = correction(name, _CHANNELS, f"use {', '.join(_CHANNELS)}")
                yield self._finding(DefinitionCode.CHANNELS, f"{at}.ChannelName", told, remedy)
            elif name == "model":
                yield from self._model_channel(channel, at)
            else:
                yield from self._data_channel(name, channel, at)
        augmented = any(self._augmented(channel) for channel, _ in channels.values())
        for name in ("train", "validation") if images and not augmented else ():
            if name in channels and f"{name}_annotation" not in channels:
                told = f"images in channel {name} need their annotations in channel {name}_annotation"
                yield self._finding(
                    DefinitionCode.CHANNELS, "InputDataConfig", told, f"add a channel {name}_annotation"
                )

    def _content_type(self, channel: Json) -> Any:
        return known(channel.get("ContentType"), self._definition)

    def _augmented(self, channel: Json) -> bool:
        source = part(channel, "DataSource", "S3DataSource")
        return bool(known(source.get("S3DataType"), self._definition) == "AugmentedManifestFile")

    def _data_channel(self, name: str, channel: Json, at: str) -> Iterator[DefinitionFinding]:
        content, mode = self._content_type(channel), self._mode(channel)
        if mode not in ("Pipe", "File", UNKNOWN):
            yield self._finding(
                DefinitionCode.CHANNELS, f"{at}.InputMode", f"the algorithm has no mode {quoted(mode)}", "use Pipe"
            )
        if not self._augmented(channel):
            if content is not UNKNOWN and content not in (_RECORDIO, *_IMAGE_TYPES):
                told = f"content type {quoted(content)} is none that the algorithm reads"
                remedy = f"use one of {listed((_RECORDIO, *_IMAGE_TYPES))}"
                yield self._finding(DefinitionCode.CONTENT_TYPE, f"{at}.ContentType", told, remedy)
            return
        if content is not UNKNOWN and content != _RECORDIO:
            told = f"an augmented manifest reaches the algorithm as RecordIO, content type is {quoted(content)}"
            yield self._finding(DefinitionCode.CONTENT_TYPE, f"{at}.ContentType", told, f"use {_RECORDIO}")
        wrapper = known(channel.get("RecordWrapperType"), self._definition)
        if wrapper not in ("RecordIO", UNKNOWN):
            told = "without RecordIO around them the algorithm can't tell images from labels in the stream"
            remedy = "set RecordWrapperType to RecordIO"
            yield self._finding(DefinitionCode.AUGMENTED_MANIFEST, f"{at}.RecordWrapperType", told, remedy)
        source = part(channel, "DataSource", "S3DataSource")
        yield from self._attributes(source.get("AttributeNames"), f"{at}.DataSource.S3DataSource.AttributeNames")
        if name == "train" and channel.get("ShuffleConfig") is None:
            told = "every epoch has the images in the manifest's order"
            yield self._finding(DefinitionCode.NOT_SHUFFLED, f"{at}.ShuffleConfig", told, 'add {"Seed": 1}')

    def _attributes(self, names: Any, at: str) -> Iterator[DefinitionFinding]:
        if not isinstance(names, list) or not names:
            return  # told by the rules of any augmented manifest
        known_names = [known(name, self._definition) for name in names]
        if len(names) != 2:
            told = f"the algorithm takes two attributes, the image and its label, here are {len(names)}"
            yield self._finding(
                DefinitionCode.AUGMENTED_MANIFEST, at, told, 'write ["source-ref", "<label attribute>"]'
            )
        elif "source-ref" in known_names[1:] or known_names[0] not in ("source-ref", UNKNOWN):
            told = f"the image has to come first, AttributeNames begins with {quoted(names[0])}"
            yield self._finding(
                DefinitionCode.AUGMENTED_MANIFEST, at, told, 'write ["source-ref", "<label attribute>"]'
            )

    def _mode(self, channel: Json) -> Any:
        default = part(self._job, "AlgorithmSpecification").get("TrainingInputMode")
        return known(channel.get("InputMode") or default, self._definition)

    def _model_channel(self, channel: Json, at: str) -> Iterator[DefinitionFinding]:
        content, mode = self._content_type(channel), self._mode(channel)
        if content is not UNKNOWN and content != _MODEL_TYPE:
            told = f"the channel model has content type {quoted(content)}"
            yield self._finding(DefinitionCode.INCREMENTAL, f"{at}.ContentType", told, f"use {_MODEL_TYPE}")
        if mode not in ("File", UNKNOWN):
            told = f"the model to start from is read as a file, input mode is {quoted(mode)}"
            yield self._finding(
                DefinitionCode.INCREMENTAL, f"{at}.InputMode", told, "set InputMode of the channel to File"
            )
        if self._value("use_pretrained_model", "1") == "1":
            told = "training goes on from the channel model, yet use_pretrained_model is 1"
            at = f"{self._key}.use_pretrained_model"
            yield self._finding(DefinitionCode.INCREMENTAL_WEIGHTS, at, told, "set use_pretrained_model to 0")
        uri = part(channel, "DataSource", "S3DataSource").get("S3Uri")
        function, body = expression(uri) or ("", None)
        earlier = self._definition.named.get(str(body).split(".")[1]) if function == GET and "." in str(body) else None
        before = part(earlier.arguments, "HyperParameters") if earlier and earlier.type == "Training" else {}
        for name, default in (("base_network", DEFAULT_NETWORK), ("num_classes", None)):
            then = known(before[name], self._definition) if before.get(name) is not None else default
            now = self._value(name, default)
            if before and isinstance(then, str) and isinstance(now, str) and then != now:
                told = f"{name} is {quoted(now)}, the model to start from was trained with {quoted(then)}"
                yield self._finding(DefinitionCode.INCREMENTAL, f"{self._key}.{name}", told, f"use {quoted(then)}")

    def _objective(self) -> Iterator[DefinitionFinding]:
        if self._step.type != "Tuning":
            return
        name, kind = self._goal.get("MetricName", _METRIC), self._goal.get("Type", "Maximize")
        if known(name, self._definition) not in (_METRIC, UNKNOWN) or kind != "Maximize":
            told = f"the objective is to {str(kind).lower()} {name}; the algorithm can only be tuned for {_METRIC}"
            remedy = f"set MetricName {_METRIC} and Type Maximize"
            yield DefinitionFinding(DefinitionCode.OBJECTIVE, self._step.name, self._goal_path, told, remedy)
        for tuned, at in self._tuned.items():
            if tuned not in RULES or not RULES[tuned].tunable:
                names = [name for name, rule in RULES.items() if rule.tunable]
                told = f"the algorithm's {quoted(tuned)} can't be tuned"
                remedy = correction(tuned, names, f"tune {', '.join(names)}")
                yield DefinitionFinding(DefinitionCode.HYPERPARAMETER, self._step.name, at, told, remedy)
