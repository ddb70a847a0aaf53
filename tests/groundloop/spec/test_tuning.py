"""Rules of tuning jobs that the API's model lacks."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from groundloop.spec.tuning import (
    combinations,
    hyperband_max_resource,
    tuning_job_problems,
)
from groundloop.spec.tuning_warm_start import changed_statics, warm_start_problems

Json = dict[str, Any]
Change = Callable[[Json], None]
RATE = {"Name": "learning_rate", "MinValue": "0.00001", "MaxValue": "0.01", "ScalingType": "Logarithmic"}
BATCH = {"Name": "mini_batch_size", "MinValue": "8", "MaxValue": "32"}
OPTIMIZER = {"Name": "optimizer", "Values": ["sgd", "adam"]}
CONFIG = "HyperParameterTuningJobConfig"
RANGES = f"{CONFIG}.ParameterRanges"
HYPERBAND = f"{CONFIG}.StrategyConfig.HyperbandStrategyConfig"
LIMITS = f"{CONFIG}.ResourceLimits"


def request() -> Json:
    return {
        "HyperParameterTuningJobName": "mine",
        CONFIG: {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:mAP"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 12, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {
                "ContinuousParameterRanges": [deepcopy(RATE)],
                "IntegerParameterRanges": [deepcopy(BATCH)],
                "CategoricalParameterRanges": [deepcopy(OPTIMIZER)],
            },
            "TrainingJobEarlyStoppingType": "Auto",
        },
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "Pipe"},
            "StaticHyperParameters": {"epochs": "30", "num_classes": "3"},
        },
    }


def put(path: str, value: Any) -> Change:
    """Set the member at a path; of lists the first item."""

    def change(request: Json) -> None:
        *parents, last = path.split(".")
        place: Any = request
        for key in parents:
            place = place.setdefault(key, {}) if isinstance(place, dict) else place
            place = place[0] if isinstance(place, list) else place
        place[last] = deepcopy(value)

    return change


def changed(*changes: Change) -> Json:
    result = request()
    for change in changes:
        change(result)
    return result


HYPERBAND_STRATEGY = (put(f"{CONFIG}.Strategy", "Hyperband"), put(f"{CONFIG}.TrainingJobEarlyStoppingType", "Off"))
GRID_STRATEGY = (
    put(f"{CONFIG}.Strategy", "Grid"),
    put(RANGES, {"CategoricalParameterRanges": [deepcopy(OPTIMIZER)]}),
    put(LIMITS, {"MaxParallelTrainingJobs": 1}),
)
TO_COME = {"Get": "Parameters.TuningJobs"}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param((), id="as it is"),
        pytest.param(HYPERBAND_STRATEGY, id="Hyperband, whose epochs are static"),
        pytest.param(GRID_STRATEGY, id="grid, which knows its number of jobs"),
        pytest.param((*GRID_STRATEGY, put(f"{LIMITS}.MaxNumberOfTrainingJobs", 2)), id="grid with that number"),
        pytest.param(
            (
                put(f"{LIMITS}.MaxNumberOfTrainingJobs", TO_COME),
                put(f"{RANGES}.ContinuousParameterRanges.MinValue", TO_COME),
                put(f"{RANGES}.CategoricalParameterRanges.Values", TO_COME),
                put(f"{CONFIG}.Strategy", TO_COME),
            ),
            id="values that are not known yet",
        ),
        pytest.param((put("TrainingJobDefinition", None), put(CONFIG, None)), id="nothing"),
    ],
)
def test_valid_requests_have_no_problem(changes: tuple[Change, ...]) -> None:
    assert list(tuning_job_problems(changed(*changes))) == []


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        pytest.param(
            (put(f"{RANGES}.ContinuousParameterRanges.MinValue", "0.1"),),
            f"{RANGES}.ContinuousParameterRanges[0].MinValue",
            "MinValue 0.1 is more than MaxValue 0.01",
            id="minimum above maximum",
        ),
        pytest.param(
            (put(f"{RANGES}.ContinuousParameterRanges.MinValue", "0"),),
            f"{RANGES}.ContinuousParameterRanges[0].ScalingType",
            "a logarithmic scale needs values greater than 0, MinValue is 0",
            id="logarithm of 0",
        ),
        pytest.param(
            (put(f"{RANGES}.IntegerParameterRanges.ScalingType", "ReverseLogarithmic"),),
            f"{RANGES}.IntegerParameterRanges[0].ScalingType",
            "a reverse logarithmic scale needs values from 0 to less than 1, the range is 8 to 32",
            id="reverse logarithm above 1",
        ),
        pytest.param(
            (put(f"{RANGES}.IntegerParameterRanges.MaxValue", "16.5"),),
            f"{RANGES}.IntegerParameterRanges[0].MaxValue",
            '"16.5" is not a whole number',
            id="fraction",
        ),
        pytest.param(
            (put(f"{RANGES}.ContinuousParameterRanges.MaxValue", "inf"),),
            f"{RANGES}.ContinuousParameterRanges[0].MaxValue",
            '"inf" is not a finite number',
            id="infinity",
        ),
        pytest.param(
            (put(f"{RANGES}.CategoricalParameterRanges.Values", ["sgd", "sgd"]),),
            f"{RANGES}.CategoricalParameterRanges[0].Values",
            '"sgd" is there 2 times',
            id="value twice",
        ),
        pytest.param(
            (put(f"{RANGES}.IntegerParameterRanges.Name", "epochs"),),
            f"{RANGES}.IntegerParameterRanges[0].Name",
            '"epochs" is static (StaticHyperParameters) and has a range',
            id="tuned and static",
        ),
        pytest.param(
            (put(f"{RANGES}.CategoricalParameterRanges.Name", "mini_batch_size"),),
            f"{RANGES}.IntegerParameterRanges[0].Name",
            '"mini_batch_size" has more than one range',
            id="range twice",
        ),
        pytest.param((put(RANGES, {}),), RANGES, "there is no range of a hyperparameter to search", id="no range"),
        pytest.param(
            (put(RANGES, {"IntegerParameterRanges": [{**BATCH, "Name": f"p{i}"} for i in range(31)]}),),
            RANGES,
            "there are 31 ranges, at most 30 are allowed",
            id="too many ranges",
        ),
        pytest.param(
            (put(f"{CONFIG}.Strategy", "Hyperband"),),
            f"{CONFIG}.TrainingJobEarlyStoppingType",
            "Hyperband stops training jobs by its own rule: TrainingJobEarlyStoppingType must be Off",
            id="Hyperband and early stopping",
        ),
        pytest.param(
            (*HYPERBAND_STRATEGY, put("TrainingJobDefinition.StaticHyperParameters", {})),
            f"{HYPERBAND}.MaxResource",
            "MaxResource is missing, and none of epochs, numepochs, n-epochs, n_epochs, num_epochs is a static "
            "hyperparameter",
            id="Hyperband without epochs",
        ),
        pytest.param(
            (*HYPERBAND_STRATEGY, put(HYPERBAND, {"MinResource": 40})),
            f"{HYPERBAND}.MinResource",
            "MinResource 40 is more than MaxResource 30",
            id="MinResource above MaxResource",
        ),
        pytest.param(
            (*HYPERBAND_STRATEGY, put(HYPERBAND, {"MaxResource": 20_001})),
            f"{HYPERBAND}.MaxResource",
            "MaxResource 20001 is more than 20000",
            id="MaxResource above the limit",
        ),
        pytest.param(
            (put(HYPERBAND, {"MaxResource": 10}),),
            f"{CONFIG}.StrategyConfig",
            "HyperbandStrategyConfig is for the strategy Hyperband, and the strategy is Bayesian",
            id="Hyperband's settings for another strategy",
        ),
        pytest.param(
            (*GRID_STRATEGY, put(f"{RANGES}.IntegerParameterRanges", [deepcopy(BATCH)])),
            f"{RANGES}.IntegerParameterRanges[0]",
            'a grid search takes categorical ranges only, and that of "mini_batch_size" is integer',
            id="grid over numbers",
        ),
        pytest.param(
            (*GRID_STRATEGY, put(f"{LIMITS}.MaxNumberOfTrainingJobs", 3)),
            f"{LIMITS}.MaxNumberOfTrainingJobs",
            "a grid search runs each of its 2 combinations, MaxNumberOfTrainingJobs is 3",
            id="grid with another number of jobs",
        ),
        pytest.param(
            (put(LIMITS, {"MaxParallelTrainingJobs": 2}),),
            f"{LIMITS}.MaxNumberOfTrainingJobs",
            "MaxNumberOfTrainingJobs is missing: only a grid search knows it by itself",
            id="no number of jobs",
        ),
        pytest.param(
            (put(f"{LIMITS}.MaxParallelTrainingJobs", 13),),
            f"{LIMITS}.MaxParallelTrainingJobs",
            "MaxParallelTrainingJobs 13 is more than MaxNumberOfTrainingJobs 12",
            id="more at a time than in all",
        ),
        pytest.param(
            (put(f"{LIMITS}.MaxNumberOfTrainingJobs", 751),),
            f"{LIMITS}.MaxNumberOfTrainingJobs",
            "MaxNumberOfTrainingJobs 751 is more than 750",
            id="too many jobs",
        ),
    ],
)
def test_each_problem_is_named(changes: tuple[Change, ...], path: str, message: str) -> None:
    problems = list(tuning_job_problems(changed(*changes)))
    assert (problems[0].path, problems[0].message) == (path, message)
    assert problems[0].remedy


def parent(*changes: Change, status: str = "Completed") -> Json:
    described = changed(*changes)
    described["TrainingJobDefinition"]["StaticHyperParameters"]["_tuning_objective_metric"] = "validation:mAP"
    return {**described, "HyperParameterTuningJobName": "before", "HyperParameterTuningJobStatus": status}


MANY = {f"p{index}": "1" for index in range(11)}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(parent(status="InProgress"), "the parent before is InProgress", id="still running"),
        pytest.param(
            parent(put(f"{CONFIG}.HyperParameterTuningJobObjective.Type", "Minimize")),
            "the objective of the parent before is another one: Minimize validation:mAP",
            id="objective",
        ),
        pytest.param(
            parent(put("TrainingJobDefinition.StaticHyperParameters.momentum", "0.9")),
            "the parent before has 6 static and tunable hyperparameters together, this job has 5",
            id="number of hyperparameters",
        ),
        pytest.param(
            parent(put("TrainingJobDefinition.AlgorithmSpecification.TrainingImage", "other")),
            "the parent before has another training image: other",
            id="image",
        ),
        pytest.param(
            parent(
                put(f"{RANGES}.IntegerParameterRanges", []),
                put(f"{RANGES}.CategoricalParameterRanges", [OPTIMIZER, {"Name": "mini_batch_size", "Values": ["8"]}]),
            ),
            "mini_batch_size is integer, in the parent before it is categorical",
            id="type of a range",
        ),
    ],
)
def test_what_keeps_a_search_from_starting_with_another(given: Json, message: str) -> None:
    mine = {**request(), "WarmStartConfig": {"WarmStartType": "IdenticalDataAndAlgorithm"}}
    assert [problem.message for problem in warm_start_problems(mine, [given])] == [message]


def test_at_most_ten_static_hyperparameters_may_differ() -> None:
    mine = changed(put("TrainingJobDefinition.StaticHyperParameters", MANY))
    theirs = parent(put("TrainingJobDefinition.StaticHyperParameters", dict.fromkeys(MANY, "2")))
    assert changed_statics(mine, theirs) == sorted(MANY)
    (problem,) = warm_start_problems(mine, [theirs])
    assert problem.message.startswith(
        "11 static hyperparameters differ from those of the parent before, at most 10 may"
    )


def test_a_parent_that_fits_is_taken() -> None:
    tuned_now = changed(
        put("TrainingJobDefinition.StaticHyperParameters", {"epochs": "30", "num_classes": "3", "optimizer": "sgd"}),
        put(f"{RANGES}.CategoricalParameterRanges", []),
    )
    assert list(warm_start_problems(tuned_now, [parent(), parent(status="Stopped")])) == []


@pytest.mark.parametrize(
    ("statics", "expected"),
    [({"epochs": "30"}, 30), ({"num_epochs": "7"}, 7), ({"epochs": {"Get": "x"}}, None), ({}, None)],
    ids=["epochs", "another name", "not known yet", "none"],
)
def test_the_epochs_of_a_whole_job(statics: Json, expected: int | None) -> None:
    assert hyperband_max_resource(changed(put("TrainingJobDefinition.StaticHyperParameters", statics))) == expected


def test_combinations_of_a_grid() -> None:
    assert combinations(changed(*GRID_STRATEGY)) == 2
    assert combinations(request()) is None
