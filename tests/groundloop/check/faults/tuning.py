"""Faults in the request of a tuning job; the definition they are put into is our own with Tune."""

from __future__ import annotations

import pytest

from groundloop.check import DefinitionCode
from tests.groundloop.check.faults.edits import Edit, add, drop, put

JOB = "Arguments.TrainingJobDefinition"
CONFIG = "Arguments.HyperParameterTuningJobConfig"
RANGES = f"{CONFIG}.ParameterRanges"
RATE, BATCH, OPTIMIZER = (f"{RANGES}.{kind}ParameterRanges.0" for kind in ("Continuous", "Integer", "Categorical"))
#: The same in the path of a finding.
RATE_AT, BATCH_AT, OPTIMIZER_AT = (
    f"{RANGES}.{kind}ParameterRanges[0]" for kind in ("Continuous", "Integer", "Categorical")
)
HYPERBAND = f"{CONFIG}.StrategyConfig.HyperbandStrategyConfig"


def hyperband(**resources: int) -> list[Edit]:
    return [
        put("Tune", f"{CONFIG}.Strategy", "Hyperband"),
        put("Tune", f"{CONFIG}.TrainingJobEarlyStoppingType", "Off"),
        put("Tune", f"{CONFIG}.StrategyConfig", {"HyperbandStrategyConfig": resources}),
    ]


FAULTS = [
    pytest.param(
        [put("Tune", f"{RATE}.MinValue", "0.5")],
        DefinitionCode.TUNING_RANGE,
        "Tune",
        f"{RATE_AT}.MinValue",
        "more than MaxValue",
        id="minimum over the maximum",
    ),
    pytest.param(
        [put("Tune", f"{RATE}.MinValue", "0")],
        DefinitionCode.TUNING_RANGE,
        "Tune",
        f"{RATE_AT}.ScalingType",
        "logarithmic scale needs values greater than 0",
        id="logarithm of 0",
    ),
    pytest.param(
        [put("Tune", f"{RATE}.Name", "learning_rte")],
        DefinitionCode.HYPERPARAMETER,
        "Tune",
        RATE_AT,
        '"learning_rte" can\'t be tuned',
        id="range of a name unknown to the algorithm",
    ),
    pytest.param(
        [put("Tune", f"{JOB}.StaticHyperParameters.optimizer", "sgd")],
        DefinitionCode.TUNING_RANGE,
        "Tune",
        f"{OPTIMIZER_AT}.Name",
        '"optimizer" is static',
        id="tuned and static",
    ),
    pytest.param(
        [*hyperband(MinResource=1, MaxResource=9), put("Tune", f"{CONFIG}.TrainingJobEarlyStoppingType", "Auto")],
        DefinitionCode.TUNING_STRATEGY,
        "Tune",
        f"{CONFIG}.TrainingJobEarlyStoppingType",
        "by its own rule",
        id="Hyperband with the median rule",
    ),
    pytest.param(
        [*hyperband(MinResource=1), drop("Tune", f"{JOB}.StaticHyperParameters.epochs")],
        DefinitionCode.TUNING_STRATEGY,
        "Tune",
        f"{HYPERBAND}.MaxResource",
        "MaxResource is missing",
        id="Hyperband without epochs",
    ),
    pytest.param(
        hyperband(MinResource=9, MaxResource=8),
        DefinitionCode.TUNING_STRATEGY,
        "Tune",
        f"{HYPERBAND}.MinResource",
        "MinResource 9 is more than MaxResource 8",
        id="Hyperband's resources the wrong way round",
    ),
    pytest.param(
        hyperband(MinResource=17),
        DefinitionCode.TUNING_STRATEGY,
        "Tune",
        f"{HYPERBAND}.MinResource",
        "more than MaxResource 16",
        id="Hyperband's minimum over the epochs",
    ),
    pytest.param(
        [
            put(
                "Tune",
                "Arguments.WarmStartConfig",
                {
                    "WarmStartType": "TransferLearning",
                    "ParentHyperParameterTuningJobs": [
                        {"HyperParameterTuningJobName": f"search-{index}"} for index in range(6)
                    ],
                },
            )
        ],
        DefinitionCode.WRONG_LENGTH,
        "Tune",
        "Arguments.WarmStartConfig.ParentHyperParameterTuningJobs",
        "6",
        id="six parents",
    ),
    pytest.param(
        [put("Tune", f"{CONFIG}.ResourceLimits.MaxParallelTrainingJobs", 13)],
        DefinitionCode.OUT_OF_RANGE,
        "Tune",
        f"{CONFIG}.ResourceLimits.MaxParallelTrainingJobs",
        "is more than MaxNumberOfTrainingJobs 12",
        id="more jobs at a time than in all",
    ),
    pytest.param(
        [put("Tune", f"{CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs", 751)],
        DefinitionCode.OUT_OF_RANGE,
        "Tune",
        f"{CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs",
        "751",
        id="more jobs than the service runs",
    ),
    pytest.param(
        [drop("Tune", f"{CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs")],
        DefinitionCode.OUT_OF_RANGE,
        "Tune",
        f"{CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs",
        "is missing",
        id="no number of jobs",
    ),
    pytest.param(
        [
            put(
                "Tune",
                f"{JOB}.AlgorithmSpecification.MetricDefinitions",
                [{"Name": "validation:mAP", "Regex": "mAP=(.*)"}],
            )
        ],
        DefinitionCode.METRICS,
        "Tune",
        f"{JOB}.AlgorithmSpecification.MetricDefinitions",
        "metrics of its own",
        id="metrics for the built-in algorithm",
    ),
    pytest.param(
        [put("Tune", f"{CONFIG}.HyperParameterTuningJobObjective.MetricName", "validation:map")],
        DefinitionCode.OBJECTIVE,
        "Tune",
        f"{CONFIG}.HyperParameterTuningJobObjective",
        "validation:map",
        id="objective misspelt",
    ),
    pytest.param(
        [put("Tune", f"{BATCH}.MaxValue", "65")],
        DefinitionCode.BATCH_MEMORY,
        "Tune",
        BATCH_AT,
        "up to 65 does not fit the memory of ml.g4dn.xlarge",
        id="batches larger than the memory",
    ),
    pytest.param(
        [put("Tune", f"{JOB}.StaticHyperParameters.num_training_samples", "20")],
        DefinitionCode.BATCH_SIZE,
        "Tune",
        BATCH_AT,
        "up to 32 is more than num_training_samples 20",
        id="batches larger than the data",
    ),
    pytest.param(
        [put("Tune", f"{OPTIMIZER}.Values", [])],
        DefinitionCode.WRONG_LENGTH,
        "Tune",
        f"{OPTIMIZER_AT}.Values",
        "there are 0 items",
        id="choice without values",
    ),
    pytest.param(
        [
            put("Tune", f"{JOB}.EnableManagedSpotTraining", True),
            put("Tune", f"{JOB}.StoppingCondition.MaxWaitTimeInSeconds", 90_000),
            put("Tune", f"{JOB}.CheckpointConfig", {"S3Uri": "s3://bucket/checkpoints"}),
        ],
        DefinitionCode.SHARED_CHECKPOINTS,
        "Tune",
        f"{JOB}.CheckpointConfig",
        "another's weights",
        id="spot capacity with checkpoints",
    ),
    pytest.param(
        [put("Tune", f"{RATE}.MaxValue", "2")],
        DefinitionCode.HYPERPARAMETER,
        "Tune",
        RATE_AT,
        'holds "2"',
        id="range beyond what the algorithm takes",
    ),
    pytest.param(
        [put("Tune", f"{OPTIMIZER}.Values", ["sgd", "adamw"])],
        DefinitionCode.HYPERPARAMETER,
        "Tune",
        OPTIMIZER_AT,
        '"adamw"',
        id="optimizer that the algorithm has not",
    ),
    pytest.param(
        [add("Tune", f"{RANGES}.IntegerParameterRanges", {"Name": "momentum", "MinValue": "1", "MaxValue": "1"})],
        DefinitionCode.TUNING_RANGE,
        "Tune",
        f"{RANGES}.IntegerParameterRanges[1]",
        "that is continuous, this one is integer",
        id="range of the wrong kind",
    ),
    pytest.param(
        [put("Tune", f"{BATCH}.ScalingType", "ReverseLogarithmic")],
        DefinitionCode.TUNING_RANGE,
        "Tune",
        f"{BATCH_AT}.ScalingType",
        "reverse logarithmic",
        id="reverse logarithmic scale of a whole number",
    ),
    pytest.param(
        [put("Tune", f"{CONFIG}.Strategy", "Grid")],
        DefinitionCode.TUNING_RANGE,
        "Tune",
        RATE_AT,
        "categorical ranges only",
        id="grid over a continuous range",
    ),
    pytest.param(
        [put("Tune", f"{CONFIG}.StrategyConfig", {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 2}})],
        DefinitionCode.TUNING_STRATEGY,
        "Tune",
        f"{CONFIG}.StrategyConfig",
        "for the strategy Hyperband",
        id="Hyperband's settings with another strategy",
    ),
    pytest.param(
        [*hyperband(MinResource=1, MaxResource=20_001)],
        DefinitionCode.TUNING_STRATEGY,
        "Tune",
        f"{HYPERBAND}.MaxResource",
        "20001",
        id="more epochs than Hyperband takes",
    ),
    pytest.param(
        [
            *hyperband(MinResource=1, MaxResource=9),
            put("Tune", f"{JOB}.ResourceConfig.InstanceCount", 2),
            put("Tune", f"{JOB}.StaticHyperParameters.kv_store", "dist_sync"),
        ],
        DefinitionCode.TUNING_STRATEGY,
        "Tune",
        f"{JOB}.ResourceConfig.InstanceCount",
        "counts them as epochs",
        id="Hyperband on several instances",
    ),
]  # fmt: skip
