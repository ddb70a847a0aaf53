"""The pipelines and the job code that a configuration describes."""

from __future__ import annotations

import json
from dataclasses import dataclass

from groundloop.check import Severity, check_definition
from groundloop.errors import UserError
from pipeline.compiled import compiled_definition
from pipeline.config import Config
from pipeline.job_archive import JobArchive, job_archive


@dataclass(frozen=True)
class DesiredPipeline:
    """A pipeline as the configuration describes it; `definition` is the JSON text of the request."""

    name: str
    description: str
    role: str
    tags: dict[str, str]
    definition: str


def desired_pipelines(config: Config) -> list[DesiredPipeline]:
    """Compile the pipelines that a configuration describes.

    The deploy pipeline is left out when `deploy.mode` is `never`, the predict pipeline without `predict.input`, the
    monitor pipeline without captured requests.
    """
    names, tags = config.pipeline, dict(config.aws.tags)
    definition = compiled_definition(config, "training")
    pipelines = [DesiredPipeline(names.name, names.description, config.aws.role, tags, definition)]
    if config.deploy.mode != "never":
        text, definition = "Deploys one model package to the endpoint.", compiled_definition(config, "deploy")
        pipelines.append(DesiredPipeline(names.deploy_name, text, config.aws.role, tags, definition))
    if config.predict.input:
        text, definition = "Predicts new images with one model package.", compiled_definition(config, "predict")
        pipelines.append(DesiredPipeline(names.predict_name, text, config.aws.role, tags, definition))
    if config.has_monitor:
        text = "Compares captured requests with what the served version was evaluated on."
        definition = compiled_definition(config, "monitor")
        pipelines.append(DesiredPipeline(names.monitor_name, text, config.aws.role, tags, definition))
    return pipelines


def job_archives(config: Config) -> list[JobArchive]:
    """Build the job code that the pipelines run."""
    predict = ("select", "collect") if config.predict.input else ()
    monitor = ("monitor",) if config.has_monitor else ()
    return [job_archive(name) for name in ("prepare", "evaluate", "deploy", *predict, *monitor)]


def definition_warnings(pipeline: DesiredPipeline) -> list[str]:
    """Check a definition; return its warnings, a line each.

    Raises:
        UserError: the definition has errors: SageMaker would reject it, or the execution would fail.
    """
    findings = check_definition(json.loads(pipeline.definition), size=len(pipeline.definition.encode()))
    lines = []
    for finding in findings:
        place = ": ".join(filter(None, [finding.step, finding.path, finding.message]))
        lines.append((finding.severity, f"{pipeline.name}: {place}; {finding.remedy}"))
    if errors := [line for severity, line in lines if severity is Severity.ERROR]:
        raise UserError(*errors, "nothing was changed; `groundloop check` repeats this check offline")
    return [line for _, line in lines]
