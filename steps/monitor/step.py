"""Monitor: compares what the endpoint was sent with what its version was evaluated on; drift fails the execution."""

from __future__ import annotations

from sagemaker.core.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.steps import ProcessingStep

from steps.build_context import BuildContext
from steps.monitor.arguments import MAXIMUM, MINIMUM
from steps.monitor.settings import MonitorSettings
from steps.processing import MOUNT, Text, processing_step
from steps.settings import PipelineSettings

NAME = "Monitor"
_VERDICT = PropertyFile(name="Verdict", output_name="verdict", path="verdict.json")


def monitor_step(context: BuildContext, *, retrain_at: int | None) -> ProcessingStep:
    """Return the Monitor step; its job is `steps/monitor/job.py`.

    Args:
        context: what steps are built from.
        retrain_at: number of new reviewed labels that start the training pipeline; None: they never do.
    """
    settings, aws, p = context.settings(MonitorSettings), context.aws, context.parameters
    root = f"s3://{aws.bucket}/{aws.prefix}"
    arguments: list[Text] = [
        *("--region", aws.region, "--endpoint", p.endpoint_name, "--group", context.model_package_group),
        *("--hours", Join(on="", values=[p.window_hours]), "--until", ExecutionVariables.START_DATETIME),
        *("--root", root),
        *_as_arguments(settings),
    ]
    if retrain_at is not None:
        arguments += ["--retrain-at", str(retrain_at), "--pipeline", context.settings(PipelineSettings).name]
    return processing_step(
        context,
        name=NAME,
        display_name="Monitor endpoint",
        description="Compares captured requests with the images that the served version was evaluated on.",
        instance_type=p.processing_instance_type,
        inputs={},
        outputs=["verdict"],
        shared_outputs={
            "monitoring": Join(on="/", values=[f"{root}/monitoring", p.endpoint_name]),
            "captured": f"{root}/captured",
        },
        property_file=_VERDICT,
        # Endpoint and captured requests change without a change of the arguments.
        cached=False,
        calls_aws=True,
        arguments=[*arguments, "--output", f"{MOUNT}/output"],
    )


def drift_gate(monitor: ProcessingStep) -> ConditionStep:
    """Return the DriftGate step, which fails the execution when Monitor has found drift."""
    found = FailStep(
        name="DriftFound",
        display_name="Drift found",
        description="Says what differs from the images that the served version was evaluated on.",
        error_message=Join(on="", values=[_verdict(monitor, "message")]),
    )
    return ConditionStep(
        name="DriftGate",
        display_name="No drift?",
        description="Goes on when nothing has drifted that monitor.fail says should fail the execution.",
        conditions=[ConditionLessThanOrEqualTo(left=_verdict(monitor, "failures"), right=0)],
        if_steps=[],
        else_steps=[found],
    )


def _verdict(monitor: ProcessingStep, path: str) -> JsonGet:
    return JsonGet(step_name=monitor.name, property_file=_VERDICT, json_path=path)


def _as_arguments(settings: MonitorSettings) -> list[str]:
    """Return the job's arguments that the settings give."""
    mix = settings.review.mix
    limits = [
        f"--limit={statistic}.{side}={value!r}"
        for statistic, limit in sorted(settings.limits.items())
        for side, value in ((MINIMUM, limit.min_mean), (MAXIMUM, limit.max_mean))
        if value is not None
    ]
    return [
        *(["--captures", settings.captures] if settings.captures else []),
        *("--max-images", str(settings.max_images), "--min-images", str(settings.min_images)),
        *("--false-alarm", repr(settings.false_alarm)),
        *limits,
        *(["--fail-on-input"] if settings.fail == "any" else []),
        *("--queue", str(settings.review.images)),
        *("--mix", repr(mix.doubtful), repr(mix.strange), repr(mix.random)),
        *(["--namespace", settings.metrics_namespace] if settings.metrics_namespace else []),
    ]
