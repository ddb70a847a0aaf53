"""Prepare: the Ground Truth manifest, checked and split into the manifests that training and evaluation use."""

from __future__ import annotations

from sagemaker.core.helper.pipeline_variable import PipelineVariable
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterInteger, ParameterString
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.steps import ProcessingStep

from steps.build_context import BuildContext
from steps.prepare.parallel import SPARK
from steps.prepare.settings import LabelsSettings, PrepareSettings, SourceSettings, SplitSettings
from steps.processing import MOUNT, output_uri, processing_step
from steps.settings import ProcessingSettings

NAME = "Prepare"
_SUMMARY = PropertyFile(name="Summary", output_name="report", path="summary.json")


def prepare_step(
    building: BuildContext,
    processing: ProcessingSettings,
    labels: LabelsSettings,
    settings: PrepareSettings,
    *,
    code_uri: str,
    max_image_mb: int,
    image_shape: int,
    instance_type: ParameterString,
    manifest: ParameterString,
    attribute: ParameterString,
    mini_batch_size: ParameterInteger,
) -> ProcessingStep:
    """The Prepare step; its job is ``steps/prepare/job.py``."""
    classes = ["--classes", *labels.classes] if labels.classes else []
    return processing_step(
        building,
        processing,
        name=NAME,
        display_name="Prepare labels",
        description="Reads and checks the Ground Truth manifest, unifies class ids by name, splits by image.",
        code_uri=code_uri,
        instance_type=instance_type,
        inputs={
            "manifest": manifest,
            **{f"additional-source-{n}": source.uri for n, source in enumerate(labels.additional_sources, start=1)},
        },
        outputs=["manifests", "report"],
        property_file=_SUMMARY,
        spark_machines=processing.spark.instance_count if processing.engine == SPARK else 0,
        arguments=[
            *("--manifest", f"{MOUNT}/input/manifest", "--manifest-uri", manifest),
            *(
                item
                for n, source in enumerate(labels.additional_sources, start=1)
                for item in _additional_source(n, source)
            ),
            *("--label-attribute", attribute, *classes),
            *("--validation-fraction", f"{settings.split.validation:g}"),
            *("--test-fraction", f"{settings.split.test:g}"),
            *("--split-seed", str(settings.split.seed), "--shuffle-seed", str(settings.shuffle_seed)),
            *_how_to_split(settings.split),
            *("--duplicates", settings.duplicates, "--clip-tolerance", f"{settings.clip_tolerance_pixels:g}"),
            *("--train-negatives", settings.train_negatives, "--mini-batch-size", mini_batch_size.to_string()),
            *("--check-images", settings.check_images, "--max-image-mb", str(max_image_mb)),
            *("--image-shape", str(image_shape), "--engine", processing.engine),
            *("--manifests-output", f"{MOUNT}/output/manifests", "--report-output", f"{MOUNT}/output/report"),
        ],
    )


def _additional_source(number: int, source: SourceSettings) -> list[str]:
    folder = f"{MOUNT}/input/additional-source-{number}"
    return ["--additional-source", folder, source.format, source.attribute, source.images or "none", source.uri]


def _how_to_split(settings: SplitSettings) -> list[str]:
    arguments = ["--stratify"] if settings.stratify else []
    # With an equals sign, since a pattern may begin like an option.
    arguments += [f"--group-pattern={settings.group.pattern}"] if settings.group.pattern else []
    arguments += [f"--group-key={settings.group.key}"] if settings.group.key else []
    return arguments


def manifest_uri(prepare: ProcessingStep, file: str) -> Join:
    """S3 URI of one of the files among Prepare's manifests."""
    return Join(on="/", values=[output_uri(prepare, "manifests"), file])


def report_uri(prepare: ProcessingStep) -> PipelineVariable:
    """S3 URI of Prepare's report folder (summary.json, rejected.jsonl)."""
    return output_uri(prepare, "report")


def derived(prepare: ProcessingStep, figure: str) -> JsonGet:
    """A figure that Prepare derived for training: num_training_samples, num_classes or label_width.

    Prepare writes them as JSON strings, since the slots of HyperParameters take nothing else.
    """
    return JsonGet(step_name=prepare.name, property_file=_SUMMARY, json_path=f"training.{figure}")
