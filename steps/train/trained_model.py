"""The model that the pipeline goes on with: of the Train step, or the best one of the Tune step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sagemaker.core.workflow.functions import Join
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep, TuningStep

from steps.build_context import BuildContext
from steps.train.settings import TrainingSettings
from steps.train.step import train_step
from steps.train.tune_step import tune_step


@dataclass(frozen=True)
class TrainedModel:
    """A trained model by the properties of the step that made it.

    Attributes:
        step: Train or Tune.
        artifact: S3 URI of model.tar.gz.
        job_name: name of its training job.
        job_arn: ARN of its training job.
        hyperparameters: values by name, those that Prepare derives from the labels left out.
        tuning: facts of the search, for the registry; none of the Train step.
    """

    step: TrainingStep | TuningStep
    artifact: Any
    job_name: Any
    job_arn: Any
    hyperparameters: Mapping[str, Any]
    tuning: Mapping[str, Any] = field(default_factory=dict)


def trained_model(context: BuildContext, prepare: ProcessingStep) -> TrainedModel:
    """Return the model of Train, or of Tune where `training.tuning` is enabled."""
    settings, p = context.settings(TrainingSettings), context.parameters
    hyperparameters = {
        **settings.hyperparameter_strings(),
        "epochs": p.epochs,
        "mini_batch_size": p.mini_batch_size,
        "learning_rate": p.learning_rate,
    }
    train = train_step(context, prepare)
    if not settings.tuning.enabled:
        properties = train.properties
        artifact = properties.ModelArtifacts.S3ModelArtifacts
        return TrainedModel(train, artifact, properties.TrainingJobName, properties.TrainingJobArn, hyperparameters)
    tune = tune_step(context, train)
    best, definition = tune.properties.BestTrainingJob, tune.properties.TrainingJobDefinition
    return TrainedModel(
        step=tune,
        # The jobs' output path, not this execution's: a search from the cache has that of an earlier execution.
        artifact=Join(
            on="/", values=[definition.OutputDataConfig.S3OutputPath, best.TrainingJobName, "output/model.tar.gz"]
        ),
        job_name=best.TrainingJobName,
        job_arn=best.TrainingJobArn,
        hyperparameters={
            **hyperparameters,
            **{name: best.TunedHyperParameters[name] for name in settings.tuning.tuned},
        },
        tuning={
            "tuning_job": tune.properties.HyperParameterTuningJobArn,
            "tuning_objective": Join(on="", values=[best.FinalHyperParameterTuningJobObjectiveMetric.Value]),
        },
    )
