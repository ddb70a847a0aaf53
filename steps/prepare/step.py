"""Prepare: checks the Ground Truth manifest and splits it into those that training and evaluation use.

The step never comes from the cache: SageMaker compares URIs, and what lies there may have changed: labels that
were overwritten, files added under a prefix, images uploaded later. The training data are stored under a name that is
made of their content, so that Train comes from the cache exactly when they are the same (docs/adr/0010).
"""

from __future__ import annotations

from sagemaker.core.helper.pipeline_variable import PipelineVariable
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.steps import ProcessingStep

from groundloop.labels.image_check import ImageCheck
from steps.build_context import BuildContext
from steps.prepare.image_checks import FILE
from steps.prepare.parallel import SPARK
from steps.prepare.settings import LabelsSettings, PrepareSettings, SourceSettings, SplitSettings
from steps.processing import MOUNT, as_text, output_uri, processing_step
from steps.settings import ProcessingSettings

NAME = "Prepare"
_SUMMARY = PropertyFile(name="Summary", output_name="report", path="summary.json")


def prepare_step(context: BuildContext) -> ProcessingStep:
    """Return the Prepare step; its job is `steps/prepare/job.py`."""
    processing, p = context.settings(ProcessingSettings), context.parameters
    labels, settings = context.settings(LabelsSettings), context.settings(PrepareSettings)
    # What later executions need not decode again.
    checks = {"image-checks": context.image_checks_uri} if settings.check_images == ImageCheck.DECODE.value else {}
    classes = ["--classes", *labels.classes] if labels.classes else []
    return processing_step(
        context,
        name=NAME,
        display_name="Prepare labels",
        description="Reads and checks the Ground Truth manifest, unifies class ids by name, splits by image.",
        instance_type=p.processing_instance_type,
        inputs={
            "manifest": p.input_manifest,
            **{f"additional-source-{n}": source.uri for n, source in enumerate(labels.additional_sources, start=1)},
            "reviewed-manifest": p.reviewed_manifest,
        },
        outputs=["manifests", "report"],
        shared_outputs={"training-data": context.training_data_uri, **checks},
        cached=False,
        calls_aws=context.start_from is not None,
        property_file=_SUMMARY,
        spark_instances=processing.spark.instance_count if processing.engine == SPARK else 0,
        arguments=[
            *("--manifest", f"{MOUNT}/input/manifest", "--manifest-uri", p.input_manifest),
            *(
                item
                for n, source in enumerate(labels.additional_sources, start=1)
                for item in _additional_source(n, source)
            ),
            f"--reviewed-manifest={MOUNT}/input/reviewed-manifest",
            *("--reviewed-manifest-uri", p.reviewed_manifest),
            *("--label-attribute", p.label_attribute, *classes),
            *("--duplicates", settings.duplicates, "--train-negatives", settings.train_negatives),
            *("--mini-batch-size", p.max_mini_batch_size, "--check-images", settings.check_images),
            # With an equals sign an option and its value are one of the 100 arguments that a container takes.
            f"--validation-fraction={settings.split.validation:g}",
            f"--test-fraction={settings.split.test:g}",
            f"--split-seed={settings.split.seed}",
            f"--shuffle-seed={settings.shuffle_seed}",
            *_split_arguments(settings.split),
            f"--clip-tolerance={settings.clip_tolerance_pixels:g}",
            *([] if settings.max_rejected is None else [f"--max-rejected={settings.max_rejected:g}"]),
            f"--max-image-mb={context.max_image_mb}",
            f"--image-shape={context.image_shape}",
            *_start_from_arguments(context),
            f"--engine={processing.engine}",
            f"--manifests-output={MOUNT}/output/manifests",
            f"--report-output={MOUNT}/output/report",
            f"--training-data-output={MOUNT}/output/training-data",
            *(f"--image-checks-uri={uri}/{FILE}" for uri in checks.values()),
            *(f"--image-checks-output={MOUNT}/output/{name}" for name in checks),
        ],
    )


def _start_from_arguments(context: BuildContext) -> list[str]:
    if context.start_from is None:
        return []
    return [
        f"--start-from={context.start_from}",
        f"--model-package-group={context.model_package_group}",
        f"--base-network={context.base_network}",
    ]


def _additional_source(number: int, source: SourceSettings) -> list[str]:
    folder = f"{MOUNT}/input/additional-source-{number}"
    return ["--additional-source", folder, source.format, source.attribute, source.images or "none", source.uri]


def _split_arguments(settings: SplitSettings) -> list[str]:
    arguments = ["--stratify"] if settings.stratify else []
    # With an equals sign, since a pattern may begin like an option.
    arguments += [f"--group-pattern={settings.group.pattern}"] if settings.group.pattern else []
    arguments += [f"--group-key={settings.group.key}"] if settings.group.key else []
    return arguments


def manifest_uri(prepare: ProcessingStep, file: str) -> Join:
    """Return the S3 URI of one of the manifests that Prepare writes."""
    return Join(on="/", values=[output_uri(prepare, "manifests"), file])


def training_data_uri(context: BuildContext, prepare: ProcessingStep, file: str) -> Join:
    """Return the S3 URI of a manifest, or of the model to start from; it changes exactly when the training data do.

    Prepare says under which name it stored them in its ExitMessage, a property of the step.
    """
    return Join(on="/", values=[context.training_data_uri, prepare.properties.ExitMessage, file])


def report_uri(prepare: ProcessingStep) -> PipelineVariable:
    """Return the S3 URI of Prepare's report folder (summary.json, rejected.jsonl)."""
    return output_uri(prepare, "report")


def summary_value(prepare: ProcessingStep, name: str) -> Join:
    """Return a text that Prepare derives from the data: num_training_samples, num_classes, label_width, started_from.

    Prepare writes numbers as JSON strings, since the slots of HyperParameters take nothing else.
    """
    return as_text(JsonGet(step_name=prepare.name, property_file=_SUMMARY, json_path=f"training.{name}"))
