"""The configuration that trials run: the user's account and names, the smallest job that exercises everything."""

from __future__ import annotations

from typing import Any, Literal

from pipeline.config import Config
from pipeline.prove.trial import TrialInstance
from steps.deploy.settings import DeploySettings, EndpointSettings
from steps.evaluate.settings import EvaluateSettings, GateSettings
from steps.monitor.settings import MonitorSettings
from steps.prepare.settings import LabelsSettings, SplitSettings

#: The cheapest types that do: the algorithm trains on GPU instances only, and its image wants 8 GB to serve.
TRAIN_INSTANCE, CPU_INSTANCE = "ml.g4dn.xlarge", "ml.m5.large"
SUFFIX = "-prove"
#: The steps of the whole pipeline that pay for an instance.
PREPARE = TrialInstance("Prepare", CPU_INSTANCE, "Processing", 20)
TRAIN = TrialInstance("Train", TRAIN_INSTANCE, "Training", 30)
PREDICT = TrialInstance("Predict", CPU_INSTANCE, "Batch Transform", 30)
EVALUATE = TrialInstance("Evaluate", CPU_INSTANCE, "Processing", 20)


def probe_config(config: Config, run: str, seconds: dict[str, int] | None = None) -> Config:
    """Return the configuration of the whole pipeline's run.

    The group and the endpoint have the configured names with `-prove` behind, so that
    `groundloop prove --policy` can print the role for it beforehand.

    Args:
        run: the proof's id.
        seconds: how long the steps' instances may run; none: as long as meant.

    Example:
        A configured `registry.group: parts` becomes `parts-prove`.
    """
    limits = seconds or {instance.use: int(instance.minutes * 60) for instance in (PREPARE, TRAIN, PREDICT, EVALUATE)}
    prefix = f"{config.aws.prefix}/prove/{run}"
    processing_seconds = min(limits[PREPARE.use], limits[EVALUATE.use])
    probe = changed(
        config,
        {
            "pipeline": {"name": f"groundloop-prove-{run}", "deploy_name": f"groundloop-prove-deploy-{run}"},
            "aws": {"prefix": prefix},
            "labels": LabelsSettings(manifest=f"s3://{config.aws.bucket}/{prefix}/labels/output.manifest").model_dump(),
            "processing": {
                "instance_type": CPU_INSTANCE,
                "max_runtime_minutes": max(1, processing_seconds // 60),
                "engine": "processes",
            },
            # Exact shares: by hash, a split of so few images may be empty.
            "prepare": {"split": SplitSettings(validation=0.25, test=0.25, stratify=True).model_dump()},
            "training": {
                "instance_type": TRAIN_INSTANCE,
                "instance_count": 1,
                "max_runtime_minutes": max(1, limits[TRAIN.use] // 60),
                "spot": {"enabled": False},
                "hyperparameters": {
                    "epochs": 1,
                    "mini_batch_size": 4,
                    "image_shape": 300,
                    "use_pretrained_model": 1,
                    "kv_store": None,
                },
            },
            "predict": {"instance_type": CPU_INSTANCE, "instance_count": 1},
            "evaluate": EvaluateSettings().model_dump(),
            "registry": {"group": with_suffix(config.registry.group), "approval_status": "PendingManualApproval"},
            "deploy": plain_deployment(config, "never"),
            # For its metrics nothing removes what CloudWatch keeps.
            "monitor": {
                **MonitorSettings(captures=f"s3://{config.aws.bucket}/{prefix}/captured-requests").model_dump(),
                "min_images": 10,
                "metrics_namespace": None,
            },
            "triggers": {"schedules": {}, "retrain_when": None},
            # Nothing from an earlier proof, and nothing twice: a retry would be billed again.
            "execution": {"cache": {"enabled": False}, "retry": {"service": None, "job": None, "capacity": None}},
        },
    )
    # Without thresholds every model passes. Not merged: the thresholds of the configuration must go.
    return probe.model_copy(update={"gate": GateSettings(thresholds={})})


def role_config(config: Config) -> Config:
    """Return the configuration whose role policy holds for every proof: it deploys, and writes under `aws.prefix`."""
    probe = changed(probe_config(config, "00000000"), {"deploy": {"mode": "on_pass"}})
    aws = probe.aws.model_copy(update={"prefix": config.aws.prefix})
    return probe.model_copy(update={"aws": aws, "pipeline": config.pipeline})


def plain_deployment(config: Config, mode: Literal["on_pass", "never"], **endpoint: Any) -> dict[str, Any]:
    """Return the settings of a deployment without anything special, but for what is given of the endpoint."""
    named = EndpointSettings(name=with_suffix(config.deploy.endpoint.name), **endpoint)
    return DeploySettings(mode=mode, endpoint=named).model_dump()


def with_suffix(name: str) -> str:
    """Return the name of a proof's resource beside a configured one, within SageMaker's 63 characters."""
    return f"{name[: 63 - len(SUFFIX)].rstrip('-')}{SUFFIX}"


def changed(config: Config, overlay: dict[str, Any]) -> Config:
    """Return a configuration with settings laid over it, checked as a whole; mappings merge key by key."""
    return Config.model_validate(_merged(config.model_dump(), overlay))


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    return {
        **under,
        **{
            key: _merged(under[key], value) if isinstance(value, dict) and isinstance(under.get(key), dict) else value
            for key, value in over.items()
        },
    }
