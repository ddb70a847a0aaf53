"""Checks of training jobs, and of transforms, that run the image of the built-in Object Detection algorithm."""

from __future__ import annotations

from collections.abc import Iterator

from groundloop.check.business_rules import part, training_jobs
from groundloop.check.detector_job import DetectorJob
from groundloop.check.findings import DefinitionCode, DefinitionFinding
from groundloop.check.image_uri import algorithm_image
from groundloop.check.object_detection_channels import check_channels
from groundloop.check.object_detection_search import check_search
from groundloop.spec.definition import Definition, Step
from groundloop.spec.expressions import GET, child, expression
from groundloop.spec.known_values import UNKNOWN, known
from groundloop.spec.object_detection import (
    HYPERPARAMETERS,
    IMAGE_CONTENT_TYPES,
    TRAINING_INSTANCE_FAMILIES,
    max_batch_size,
)
from groundloop.suggestions import correction, nearest, quoted

# What the names of instance types without a GPU begin with.
_WITHOUT_GPU = ("ml.m", "ml.c", "ml.r", "ml.t", "ml.inf")


def check_algorithm(definition: Definition) -> Iterator[DefinitionFinding]:
    """Check all Training and Tuning steps with the algorithm's image, and the transforms of its models."""
    for step in definition.steps:
        for request, path in training_jobs(step):
            image = known(part(request, "AlgorithmSpecification").get("TrainingImage"), definition)
            if algorithm_image(image):
                yield from _check_job(DetectorJob(definition, step, request, path), image)
        if step.type == "Transform" and _transforms_detector(definition, step):
            content = known(part(step.arguments, "TransformInput").get("ContentType"), definition)
            if content is not UNKNOWN and content not in IMAGE_CONTENT_TYPES:
                message = f"the algorithm's model takes images, ContentType is {quoted(content)}"
                at = "Arguments.TransformInput.ContentType"
                yield DefinitionFinding(
                    DefinitionCode.CONTENT_TYPE, step.name, at, message, f"use one of {', '.join(IMAGE_CONTENT_TYPES)}"
                )


def _transforms_detector(definition: Definition, step: Step) -> bool:
    function, body = expression(step.arguments.get("ModelName")) or ("", None)
    model = (
        definition.steps_by_name.get(str(body).split(".")[1]) if function == GET and str(body).count(".") > 1 else None
    )
    image = part(model.arguments, "PrimaryContainer").get("Image") if model and model.type == "Model" else None
    return algorithm_image(known(image, definition)) is not None


def _check_job(job: DetectorJob, image: str) -> Iterator[DefinitionFinding]:
    yield from _image(job, image)
    yield from _hyperparameters(job)
    yield from _combinations(job)
    yield from _instances(job)
    yield from check_channels(job)
    yield from check_search(job)


def _image(job: DetectorJob, uri: str) -> Iterator[DefinitionFinding]:
    image, at = algorithm_image(uri), "AlgorithmSpecification.TrainingImage"
    if image is None:
        return
    if image.right_account is not None and image.account != image.right_account:
        message = f"account {image.account} does not have the algorithm's image in {image.region}"
        yield job.finding(DefinitionCode.IMAGE, at, message, f"use account {image.right_account}")
    if image.tag != "1":
        message = f"tag {quoted(image.tag)} is not the algorithm's stable version"
        yield job.finding(DefinitionCode.IMAGE_TAG, at, message, "use tag 1")


def _hyperparameters(job: DetectorJob) -> Iterator[DefinitionFinding]:
    for name, item in HYPERPARAMETERS.items():
        if item.required and job.arguments.get(name) is None and name not in job.tuned:
            message = f"the algorithm needs hyperparameter {name}"
            yield job.finding(DefinitionCode.HYPERPARAMETER, f"{job.hyperparameter_key}.{name}", message, f"add {name}")
    for name, value in job.arguments.items():
        # Keys with these prefixes are for SageMaker, not for the algorithm.
        if name.startswith(("_", "sagemaker_")):
            continue
        at = child(job.hyperparameter_key, name)
        if name not in HYPERPARAMETERS:
            message = f"the algorithm has no hyperparameter {quoted(name)}"
            remedy = correction(name, HYPERPARAMETERS, f"remove it; there is: {', '.join(HYPERPARAMETERS)}")
            yield job.finding(DefinitionCode.HYPERPARAMETER, at, message, remedy)
            continue
        text = job.known(value)
        if isinstance(text, str) and not HYPERPARAMETERS[name].allows(text):
            message = f"hyperparameter {name} is {quoted(text)}"
            near = nearest(text, HYPERPARAMETERS[name].choices)
            remedy = f"write {quoted(near)}" if near else f"use {HYPERPARAMETERS[name].description}"
            yield job.finding(DefinitionCode.HYPERPARAMETER, at, message, remedy)


def _combinations(job: DetectorJob) -> Iterator[DefinitionFinding]:
    samples, batch = job.integer("num_training_samples"), job.integer("mini_batch_size")
    if samples is not None and batch is not None and batch > samples:
        message = f"mini_batch_size {batch} is more than num_training_samples {samples}"
        yield job.finding(
            DefinitionCode.BATCH_SIZE, f"{job.hyperparameter_key}.mini_batch_size", message, f"use at most {samples}"
        )
    network = job.value("base_network", HYPERPARAMETERS["base_network"].default)
    instance_type = job.known(part(job.request, "ResourceConfig").get("InstanceType"))
    is_text = isinstance(network, str) and isinstance(instance_type, str)
    maximum = max_batch_size(instance_type, network) if is_text else None
    if batch is not None and maximum is not None and batch > maximum:
        message = f"mini_batch_size {batch} does not fit the memory of {instance_type} with {network}"
        remedy = f"use at most {maximum}, or an instance type with more GPUs or memory"
        yield job.finding(DefinitionCode.BATCH_MEMORY, f"{job.hyperparameter_key}.mini_batch_size", message, remedy)
    text, epochs = job.value("lr_scheduler_step"), job.integer("epochs")
    if isinstance(text, str) and text and HYPERPARAMETERS["lr_scheduler_step"].allows(text):
        steps, at = HYPERPARAMETERS["lr_scheduler_step"].parse(text), f"{job.hyperparameter_key}.lr_scheduler_step"
        if list(steps) != sorted(set(steps)):
            message = f"lr_scheduler_step {quoted(text)} does not rise from epoch to epoch"
            yield job.finding(DefinitionCode.LEARNING_STEPS, at, message, "write the epochs in rising order")
        if epochs is not None and max(steps) >= epochs:
            message = f"lr_scheduler_step {quoted(text)} lies outside the run: epochs is {epochs}"
            yield job.finding(
                DefinitionCode.LEARNING_STEPS, at, message, f"use epochs below {epochs}, or train for longer"
            )


def _instances(job: DetectorJob) -> Iterator[DefinitionFinding]:
    resources, at = part(job.request, "ResourceConfig"), "ResourceConfig.InstanceType"
    instance_type = job.known(resources.get("InstanceType"))
    if isinstance(instance_type, str) and instance_type.rpartition(".")[0] not in TRAINING_INSTANCE_FAMILIES:
        families = ", ".join(TRAINING_INSTANCE_FAMILIES)
        if instance_type.startswith(_WITHOUT_GPU):
            message = f"the algorithm trains on GPUs only, {instance_type} has none that it uses"
            yield job.finding(DefinitionCode.INSTANCES, at, message, f"use one of {families}")
        else:
            message = f"{instance_type} is not among the instance types that the algorithm is documented for"
            yield job.finding(DefinitionCode.UNLISTED_INSTANCE, at, message, f"use one of {families}, or try it first")
    count = job.known(resources.get("InstanceCount"))
    several = isinstance(count, int | float) and count > 1
    if several and job.arguments.get("kv_store") is None and "kv_store" not in job.tuned:
        message = f"training on {count} instances needs hyperparameter kv_store: how they share gradients"
        at = f"{job.hyperparameter_key}.kv_store"
        yield job.finding(DefinitionCode.INSTANCES, at, message, "add kv_store: dist_sync or dist_async")
