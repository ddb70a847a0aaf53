"""Paid: the monitor pipeline over captured requests that have drifted."""

from __future__ import annotations

import functools
import io
import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

from PIL import Image, ImageEnhance

from groundloop.detections.drift.baseline import CONTENT_TYPE, Baseline
from groundloop.detections.drift.sample import Sample
from groundloop.detections.drift.statistics import detection_statistics, image_statistics
from groundloop.detections.predictions import Detections
from groundloop.executions.control import transition
from groundloop.models.packages import baseline_of
from groundloop.spec.data_capture import (
    INPUT,
    OUTPUT,
    CaptureData,
    CapturedData,
    CaptureRecord,
    ContentTypes,
    EventMetadata,
    capture_name,
)
from pipeline.compiled import compiled_definition
from pipeline.config import Config
from pipeline.demo.synthetic_images import CLASSES, draw_image
from pipeline.job_archive import job_archive
from pipeline.prove.probe_config import CPU_INSTANCE, changed, probe_config
from pipeline.prove.trial import Trial, TrialInstance
from pipeline.prove.trials.endpoint_step import check_absent
from pipeline.prove.trials.pipeline_run import followed, of_step
from pipeline.prove.trials.transform import require_trained
from pipeline.prove.verdict import Assumption, Verdict, broke, held, not_tried
from pipeline.prove.workbench import Workbench, job_seconds, prerequisite

#: Of the baseline, and as many captured requests: enough for the test to decide.
IMAGES = 12
_THRESHOLD = 0.5
_GUIDE = "Amazon SageMaker developer guide, "
_RUN = f"The monitor pipeline runs over {IMAGES} captured requests, which are darker and have no detections; "
_INSTANCE = TrialInstance("Monitor", CPU_INSTANCE, "Processing", 20)
#: The pipeline service and this machine may tell the time a little differently.
_CLOCKS = timedelta(minutes=5)

BASELINE = Assumption(
    "monitor-baseline",
    "A version keeps the S3 URI of a JSON document of ours in DriftCheckBaselines.ModelDataQuality.Statistics.",
    "Monitor would find no baseline; the guide shows such documents of Model Monitor's own only.",
    "CreateModelPackage with one, then DescribeModelPackage.",
    "Amazon SageMaker API reference, 'DriftCheckBaselines'",
)
JOB = Assumption(
    "monitor-job",
    "The Monitor job reads captured requests, the registry and the baseline with the pipeline's role.",
    "The monitor pipeline would fail in every execution.",
    _RUN + "the Monitor step succeeds.",
    _GUIDE + "'How to use SageMaker execution roles'",
)
START = Assumption(
    "monitor-start-time",
    "The start of an execution reaches a job's arguments as a time in ISO 8601 or in seconds since 1970.",
    "The window of requests would end at another time, or the job would fail.",
    _RUN + "drift.json says until when it looked.",
    _GUIDE + "'Pipelines steps', 'Execution variables'",
)
MESSAGE = Assumption(
    "monitor-message",
    "A Fail step's ErrorMessage may be a JsonGet of a text in a property file, of several hundred characters.",
    "An execution that found drift would not say why it failed.",
    _RUN + "the DriftFound step fails with the job's own message.",
    _GUIDE + "'Pipelines steps', 'Fail step'",
)


def _run(bench: Workbench) -> Iterator[Verdict]:
    with prerequisite():
        require_trained(bench)
        config = _config(bench)
        check_absent(bench, config.deploy.endpoint.name)
        yield _registered(bench, config)
        _capture(bench, config)
        begun = datetime.now(timezone.utc)
        found = followed(bench, _started(bench, config))
        step = found.get("Monitor")
        job = transition(step).job if step else None
        described = job and bench.client("sagemaker").describe_processing_job(ProcessingJobName=job)
        bench.allotment.ran(_INSTANCE.use, job_seconds("Processing", described) if described else 0)
        yield of_step(JOB, found, "Monitor")
        result = _result(bench, config)
        if result is None:
            yield from (not_tried(one, "the Monitor job wrote no drift.json") for one in (START, MESSAGE))
            return
        yield _at(result["until"], begun)
        yield _said(found, result["message"])


def _config(bench: Workbench) -> Config:
    seconds = bench.allotment.seconds[_INSTANCE.use]
    return changed(
        probe_config(bench.config, bench.run), {"processing": {"max_runtime_minutes": max(1, seconds // 60)}}
    )


def _registered(bench: Workbench, config: Config) -> Verdict:
    """Register an approved version with the baseline; it is the champion, which answered the requests."""
    trained, sagemaker, group = require_trained(bench), bench.client("sagemaker"), config.registry.group
    thresholds = dict.fromkeys(CLASSES, _THRESHOLD)
    rows = [
        (image_statistics(image), detection_statistics(Detections.from_sagemaker(answer, CLASSES), thresholds))
        for image, answer in _requests(drifted=False)
    ]
    baseline = Baseline(Sample.of(rows, CLASSES, thresholds), trained.training_job, len(rows))
    uri = bench.store("monitor/baseline.json", baseline.to_json())
    evaluation = {"threshold": _THRESHOLD, "class_thresholds": thresholds}
    bench.create(
        "package group",
        group,
        lambda: sagemaker.create_model_package_group(ModelPackageGroupName=group, Tags=bench.tags),
    )
    arn = sagemaker.create_model_package(
        ModelPackageGroupName=group,
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [{"Image": trained.image, "ModelDataUrl": trained.model_data_url}],
            "SupportedContentTypes": ["image/jpeg"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        DriftCheckBaselines={"ModelDataQuality": {"Statistics": {"ContentType": CONTENT_TYPE, "S3Uri": uri}}},
        CustomerMetadataProperties={
            "summary": bench.store("monitor/summary.json", json.dumps({"classes": CLASSES}).encode()),
            "evaluation": bench.store("monitor/evaluation.json", json.dumps(evaluation).encode()),
            "test_manifest": bench.uri("monitor/test.manifest"),
        },
    )["ModelPackageArn"]
    kept = baseline_of(sagemaker.describe_model_package(ModelPackageName=arn))
    if kept != uri:
        return broke(BASELINE, f"DescribeModelPackage returned {kept!r}")
    return held(BASELINE, f"kept in {arn.rpartition('/')[2]} of the group")


@functools.cache
def _requests(*, drifted: bool) -> list[tuple[bytes, bytes]]:
    """Return images and what a model could answer to them."""
    if drifted:
        return [(_darker(image), b'{"prediction": []}') for image, _ in _requests(drifted=False)]
    chance = random.Random(1)  # noqa: S311 - pictures, not secrets
    found = []
    for _ in range(IMAGES):
        content = io.BytesIO()
        draw_image(chance).image.save(content, "JPEG")
        row = [chance.randrange(len(CLASSES)), chance.uniform(0.6, 0.9), 0.2, 0.2, chance.uniform(0.4, 0.6), 0.5]
        found.append((content.getvalue(), json.dumps({"prediction": [row]}).encode()))
    return found


def _darker(image: bytes) -> bytes:
    content = io.BytesIO()
    with Image.open(io.BytesIO(image)) as picture:
        ImageEnhance.Brightness(picture).enhance(0.3).save(content, "JPEG")
    return content.getvalue()


def _capture(bench: Workbench, config: Config) -> None:
    """Write requests as data capture does; a serverless endpoint captures none, and others are billed for longer."""
    time, text = datetime.now(timezone.utc) - timedelta(minutes=10), ContentTypes.of(json=["application/json"])
    lines = [
        CaptureRecord(
            CaptureData(
                CapturedData.of(image, "application/x-image", INPUT, text),
                CapturedData.of(answer, "application/json", OUTPUT, text),
            ),
            EventMetadata(f"{bench.run}-{number}", f"{time:%Y-%m-%dT%H:%M:%SZ}"),
        ).line()
        for number, (image, answer) in enumerate(_requests(drifted=True))
    ]
    name = capture_name(config.deploy.endpoint.name, "AllTraffic", time, bench.run)
    place = str(config.monitor.captures).removeprefix(bench.uri(""))
    bench.store(f"{place}/{name}", b"".join(lines))


def _started(bench: Workbench, config: Config) -> str:
    archive, sagemaker, name = job_archive("monitor"), bench.client("sagemaker"), config.pipeline.monitor_name
    bench.store(archive.key(config.aws.prefix).removeprefix(f"{config.aws.prefix}/"), archive.content)
    definition = compiled_definition(config, "monitor")
    request = {"PipelineName": name, "PipelineDefinition": definition, "RoleArn": config.aws.role, "Tags": bench.tags}
    bench.create("pipeline", name, lambda: sagemaker.create_pipeline(**request))
    bench.allotment.begin(_INSTANCE.use)
    return str(sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"])


def _result(bench: Workbench, config: Config) -> dict[str, Any] | None:
    """Return the content of drift.json."""
    folder = f"monitoring/{config.deploy.endpoint.name}/"
    for key in bench.keys(folder):
        if key.endswith("/drift.json"):
            place = {"Bucket": config.aws.bucket, "Key": f"{bench.prefix}/{folder}{key}"}
            content: dict[str, Any] = json.loads(bench.client("s3").get_object(**place)["Body"].read())
            return content
    return None


def _at(until: str, begun: datetime) -> Verdict:
    time = datetime.fromisoformat(until.replace("Z", "+00:00"))
    if abs(time - begun) > _CLOCKS:
        return broke(START, f"the job looked until {until}, and the execution started at {begun:%Y-%m-%dT%H:%M:%SZ}")
    return held(START, f"the job looked until {until}, when the execution started")


def _said(found: dict[str, dict[str, Any]], message: str) -> Verdict:
    step = found.get("DriftFound")
    if step is None:
        return broke(MESSAGE, "the DriftFound step was not reached", message)
    reason = step.get("FailureReason", "")
    if message not in reason:
        return broke(MESSAGE, "the step failed with another reason than the job gave", reason)
    return held(MESSAGE, f"the step failed with the job's {len(message)} characters")


TRIAL = Trial(
    "monitor",
    (BASELINE, JOB, START, MESSAGE),
    (
        "a pipeline and one execution", "a processing job", "a model package group with one version",
        f"{IMAGES} captured requests, a baseline and results in S3",
    ),
    _run,
    (_INSTANCE,),
)  # fmt: skip
