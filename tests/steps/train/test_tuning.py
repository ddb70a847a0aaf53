"""The Tune step: its request is Train's own, and what follows it takes the best job's model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundloop.check import check_definition
from groundloop.errors import ConfigError
from groundloop.spec.object_detection import HYPERPARAMETERS
from pipeline.config import load_config
from steps.train.tuning import TuningRanges

Define = Callable[..., dict[str, Any]]
LOCAL = Path(__file__).resolve().parents[3] / "configs" / "local.yaml"
ON = "training.tuning.enabled=true"
NETWORK = "{subnets: [subnet-0a], security_groups: [sg-0b], isolation: %s, encrypt_traffic: %s}"
OWN_IMAGE = [
    "processing.image_uri=123456789012.dkr.ecr.us-east-1.amazonaws.com/jobs:1",
    "processing.requirements=preinstalled",
    "prepare.check_images=none",
]


def request(definition: dict[str, Any], step: str) -> dict[str, Any]:
    found: dict[str, Any] = next(item["Arguments"] for item in definition["Steps"] if item["Name"] == step)
    return found


def as_training(search: dict[str, Any], tuned: dict[str, Any]) -> dict[str, Any]:
    """The training request that a tuning job's came from, but for what is documented to differ."""
    training = {**search["TrainingJobDefinition"]}
    training["HyperParameters"] = {**training.pop("StaticHyperParameters"), **tuned}
    return {**training, **({"Tags": search["Tags"]} if "Tags" in search else {})}


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param([], id="plain"),
        pytest.param(["aws.kms_key=arn:aws:kms:us-east-1:123456789012:key/k"], id="KMS key"),
        pytest.param(["aws.tags={team: vision, stage: prod}"], id="tags"),
        pytest.param([f"aws.network={NETWORK % ('false', 'false')}"], id="VPC"),
        pytest.param([f"aws.network={NETWORK % ('true', 'true')}", *OWN_IMAGE], id="VPC, isolation, encrypted traffic"),
        pytest.param(["training.spot.enabled=true"], id="spot"),
        pytest.param(
            ["training.instance_count=3", "training.hyperparameters.kv_store=dist_sync"], id="several instances"
        ),
        pytest.param(["training.start_from=champion"], id="going on from a model"),
        pytest.param(["training.hyperparameters.freeze_layer_pattern=conv1.*", "training.volume_gb=80"], id="layers"),
        pytest.param(
            [
                "aws.kms_key=arn:aws:kms:us-east-1:123456789012:key/k",
                "aws.tags={team: vision}",
                f"aws.network={NETWORK % ('true', 'true')}",
                *OWN_IMAGE,
                "training.spot.enabled=true",
                "training.instance_count=2",
                "training.hyperparameters.kv_store=dist_async",
                "training.max_runtime_minutes=90",
            ],
            id="all at once",
        ),
    ],
)
def test_nothing_of_the_training_request_is_lost(define: Define, settings: list[str]) -> None:
    """But for checkpoints, whose S3 URI all jobs would share, and the tuned hyperparameters."""
    train, search = request(define(*settings), "Train"), request(define(*settings, ON), "Tune")
    ranges = search["HyperParameterTuningJobConfig"]["ParameterRanges"]
    names = {item["Name"] for listed in ranges.values() for item in listed}
    assert names == {"learning_rate", "mini_batch_size"}
    assert not names & search["TrainingJobDefinition"]["StaticHyperParameters"].keys()
    tuned = {name: train["HyperParameters"][name] for name in names}
    train.pop("CheckpointConfig", None)
    assert as_training(search, tuned) == train


def test_the_rest_of_the_pipeline_takes_the_best_jobs_model(define: Define) -> None:
    plain, tuned = define(), define(ON)
    assert [step["Name"] for step in tuned["Steps"]] == [
        "Tune" if step["Name"] == "Train" else step["Name"] for step in plain["Steps"]
    ]
    assert check_definition(tuned) == []
    assert request(tuned, "CreateModel")["PrimaryContainer"]["ModelDataUrl"]["Std:Join"]["Values"] == [
        {"Get": "Steps.Tune.TrainingJobDefinition.OutputDataConfig.S3OutputPath"},
        {"Get": "Steps.Tune.BestTrainingJob.TrainingJobName"},
        "output/model.tar.gz",
    ]
    evaluate = request(tuned, "Evaluate")["AppSpecification"]["ContainerArguments"]
    assert evaluate[evaluate.index("--training-job") + 1] == {"Get": "Steps.Tune.BestTrainingJob.TrainingJobName"}


def test_the_registry_learns_the_winners_values_and_the_search(define: Define) -> None:
    (register,) = request(define(ON), "QualityGate")["IfSteps"]
    facts = register["Arguments"]["CustomerMetadataProperties"]
    assert facts["tuning_job"] == {"Get": "Steps.Tune.HyperParameterTuningJobArn"}
    assert "FinalHyperParameterTuningJobObjectiveMetric.Value" in json.dumps(facts["tuning_objective"])
    card = json.dumps(register["Arguments"]["ModelCard"]["ModelCardContent"])
    assert set(re.findall(r"TunedHyperParameters\['(\w+)'\]", card)) == {"learning_rate", "mini_batch_size"}
    assert "Steps.Tune.BestTrainingJob.TrainingJobArn" in card


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        pytest.param([], ["Epochs", "TuningJobs", "TuningParallelJobs"], id="numbers of jobs, no tuned value"),
        pytest.param(
            ["training.tuning.ranges={optimizer: [sgd, adam]}"],
            ["Epochs", "MiniBatchSize", "LearningRate", "TuningJobs", "TuningParallelJobs"],
            id="what is not tuned can be chosen",
        ),
        pytest.param(
            [
                "training.tuning.strategy=grid",
                "training.tuning.ranges={learning_rate: [0.001, 0.0001], mini_batch_size: null}",
            ],
            ["Epochs", "MiniBatchSize", "TuningParallelJobs"],
            id="a grid has as many jobs as combinations",
        ),
    ],
)
def test_an_execution_chooses_the_numbers_of_jobs(define: Define, settings: list[str], names: list[str]) -> None:
    found = [item["Name"] for item in define(ON, *settings)["Parameters"]]
    start = found.index("TransformInstanceType") + 1
    assert found[start : start + len(names)] == names
    assert found[start + len(names)] == "MinMap"


def test_prepare_checks_the_split_for_the_largest_batch(define: Define) -> None:
    given = request(define(ON), "Prepare")["AppSpecification"]["ContainerArguments"]
    assert given[given.index("--mini-batch-size") + 1] == "16"


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        pytest.param(
            [], {"Strategy": "Bayesian", "TrainingJobEarlyStoppingType": "Auto", "RandomSeed": 1}, id="default"
        ),
        pytest.param(
            ["early_stopping=off"], {"TrainingJobEarlyStoppingType": "Off"}, id="off, which YAML reads as false"
        ),
        pytest.param(
            ["strategy=hyperband", "hyperband.min_epochs=2"],
            {
                "Strategy": "Hyperband",
                "TrainingJobEarlyStoppingType": "Off",
                "StrategyConfig": {
                    "HyperbandStrategyConfig": {"MinResource": 2, "MaxResource": {"Get": "Parameters.Epochs"}}
                },
            },
            id="hyperband ends jobs by itself",
        ),
        pytest.param(
            ["stop_when={map_reaches: 0.8, no_better_for_jobs: 5, converged: true}"],
            {
                "TuningJobCompletionCriteria": {
                    "TargetObjectiveMetricValue": 0.8,
                    "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 5},
                    "ConvergenceDetected": {"CompleteOnConvergence": "Enabled"},
                }
            },
            id="completion criteria",
        ),
        pytest.param(
            ["max_hours=null"],
            {
                "ResourceLimits": {
                    "MaxNumberOfTrainingJobs": {"Get": "Parameters.TuningJobs"},
                    "MaxParallelTrainingJobs": {"Get": "Parameters.TuningParallelJobs"},
                }
            },
            id="no limit of time",
        ),
    ],
)
def test_the_search_is_as_configured(define: Define, settings: list[str], part: dict[str, Any]) -> None:
    found = request(define(ON, *(f"training.tuning.{item}" for item in settings)), "Tune")
    config = found["HyperParameterTuningJobConfig"]
    assert {key: config[key] for key in part} == part
    assert "WarmStartConfig" not in found


def test_a_search_starts_from_earlier_ones(define: Define) -> None:
    names = "training.tuning.warm_start=[search-a, search-b]"
    found = request(define(ON, names, "training.tuning.warm_start_data=same"), "Tune")["WarmStartConfig"]
    assert found == {
        "ParentHyperParameterTuningJobs": [
            {"HyperParameterTuningJobName": "search-a"},
            {"HyperParameterTuningJobName": "search-b"},
        ],
        "WarmStartType": "IdenticalDataAndAlgorithm",
    }
    assert request(define(ON, names), "Tune")["WarmStartConfig"]["WarmStartType"] == "TransferLearning"


def test_every_tunable_hyperparameter_has_a_range() -> None:
    assert set(TuningRanges.model_fields) == {name for name, item in HYPERPARAMETERS.items() if item.tunable}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        pytest.param(["ranges.learning_rat={min: 0.1, max: 0.2}"], "did you mean learning_rate?", id="near miss"),
        pytest.param(["ranges.epochs={min: 1, max: 9}"], "epochs can't be tuned: tune mini_batch_size", id="epochs"),
        pytest.param(
            ["ranges.learning_rate=[0.1, 0.01]"], "is a list of values, which strategy bayesian can't", id="list"
        ),
        pytest.param(["strategy=grid"], "ranges.learning_rate has bounds, and strategy grid takes lists", id="grid"),
        pytest.param(
            ["ranges.momentum={min: 0, max: 0.9}"], "momentum.min is 0, and must be a number in (0, 1]", id="0"
        ),
        pytest.param(
            ["ranges.weight_decay={min: 0.1, max: 1}"], "weight_decay.max is 1, and must be a number in (0, 1)", id="1"
        ),
        pytest.param(
            ["ranges.learning_rate={min: 0.1, max: 0.01}"], "MinValue 0.1 is more than MaxValue 0.01", id="swapped"
        ),
        pytest.param(["ranges.mini_batch_size={min: 8, max: 8}"], "min and max are both 8", id="no range"),
        pytest.param(
            ["ranges.learning_rate={min: 0, max: 0.01, scale: log}"],
            "a logarithmic scale needs values greater than 0",
            id="log of 0",
        ),
        pytest.param(
            ["ranges.momentum={min: 0.1, max: 1, scale: reverse_log}"],
            "needs values from 0 to less than 1",
            id="reverse log of 1",
        ),
        pytest.param(["ranges.learning_rate.scale=logarithm"], "learning_rate.scale must be 'auto'", id="scale"),
        pytest.param(["ranges.optimizer=[sgd, adm]"], "did you mean 'adam'?", id="optimizer misspelt"),
        pytest.param(["ranges.optimizer=[]"], "at least 1 entries", id="no values"),
        pytest.param(["ranges.optimizer=[sgd, sgd]"], "optimizer has a value twice", id="a value twice"),
        pytest.param(
            ["ranges.mini_batch_size.max=65"], "does not fit ml.g4dn.xlarge: vgg-16 takes at most 64", id="GPU"
        ),
        pytest.param(["jobs=3", "parallel_jobs=4"], "parallel_jobs 4 is more than the 3 jobs there are", id="parallel"),
        pytest.param(
            ["strategy=hyperband", "early_stopping=auto"],
            "hyperband stops jobs by itself",
            id="hyperband with the rule",
        ),
        pytest.param(
            ["strategy=hyperband", "hyperband.min_epochs=17"],
            "is more than hyperparameters.epochs 16",
            id="epochs of it",
        ),
        pytest.param(
            ["ranges={learning_rate: null, mini_batch_size: null, optimizer: null}"], "ranges is empty", id="nothing"
        ),
        pytest.param(["warm_start=[lst]"], "did you mean last?", id="last misspelt"),
        pytest.param(["warm_start=[a, b, a]"], "is there twice", id="a parent twice"),
        pytest.param(["warm_start=[a, b, c, d, e, f]"], "at most 5 entries", id="six parents"),
        pytest.param(["stop_when.no_better_for_jobs=2"], "at least 3", id="criterion of two jobs"),
        pytest.param(["strateggy=grid"], "did you mean strategy?", id="key misspelt"),
    ],
)
def test_impossible_searches_are_rejected(settings: list[str], words: str) -> None:
    with pytest.raises(ConfigError) as found:
        load_config([LOCAL], [ON, *(f"training.tuning.{item}" for item in settings)], environment={})
    (line,) = str(found.value).splitlines()
    assert words in line
    assert "training.tuning" in line or line.startswith("training:") or "tuning." in line


def test_the_overlay_changes_no_pipeline_of_the_project() -> None:
    """Upserting one configuration must not undo what the other one's upsert made."""

    def names(*overlays: Path) -> set[str]:
        found = load_config(overlays, environment={}).pipeline
        return {found.name, found.deploy_name, found.predict_name, found.monitor_name}

    assert not names(LOCAL) & names(LOCAL, LOCAL.with_name("tune.yaml"))


def test_hyperband_needs_one_instance() -> None:
    settings = ["training.tuning.strategy=hyperband", "training.instance_count=2"]
    with pytest.raises(ConfigError, match="hyperband needs instance_count 1, not 2"):
        load_config([LOCAL], [ON, *settings, "training.hyperparameters.kv_store=dist_sync"], environment={})
