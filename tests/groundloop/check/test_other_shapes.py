"""Definitions of other shapes than ours, made by the SDK (conftest.py): no finding, and their own faults are found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from groundloop.check import DefinitionCode, Severity, check_definition

Definition = dict[str, Any]

SHAPES = ["abalone", "tuning", "outside", "parallel", "checks", "clusters", "loop", "hosting", "incremental"]


@pytest.mark.parametrize("name", SHAPES)
def test_nothing_is_found_in_a_sound_definition(shapes: dict[str, Definition], name: str) -> None:
    assert check_definition(shapes[name]) == []


def test_all_shapes_are_looked_at_and_have_nearly_every_type_of_step(shapes: dict[str, Definition]) -> None:
    from groundloop.spec.step_types import STEP_TYPES

    assert sorted(shapes) == sorted(SHAPES)
    found: set[str] = set()
    pending = [step for definition in shapes.values() for step in definition["Steps"]]
    while pending:
        step = pending.pop()
        found.add(step["Type"])
        for key in ("IfSteps", "ElseSteps", "ForEachBody"):
            pending += step["Arguments"].get(key, [])
    assert set(STEP_TYPES) - found == {"AutoML", "Job", "Lineage"}


def change(*path: str | int, to: Any) -> Callable[[Definition], None]:
    """Sets what is at a path of the definition; None removes it."""

    def edit(definition: Definition) -> None:
        holder: Any = definition
        for key in path[:-1]:
            holder = holder[key]
        if to is None:
            del holder[path[-1]]
        else:
            holder[path[-1]] = to

    return edit


def steps(index: int, *path: str | int, to: Any) -> Callable[[Definition], None]:
    return change("Steps", index, *path, to=to)


def get(path: str) -> dict[str, str]:
    return {"Get": path}


JOB = ("Arguments", "TrainingJobDefinition")
GOAL = ("Arguments", "HyperParameterTuningJobConfig", "HyperParameterTuningJobObjective")
RANGES = ("Arguments", "HyperParameterTuningJobConfig", "ParameterRanges")
LIMITS = ("Arguments", "HyperParameterTuningJobConfig", "ResourceLimits")


@pytest.mark.parametrize(
    ("name", "edit", "code", "step", "path", "word"),
    [
        pytest.param(
            "tuning",
            steps(0, *GOAL, "MetricName", to="validation:map"),
            DefinitionCode.OBJECTIVE,
            "Search",
            "Arguments.HyperParameterTuningJobConfig.HyperParameterTuningJobObjective",
            "validation:map",
            id="another objective",
        ),
        pytest.param(
            "tuning",
            steps(0, *GOAL, "Type", to="Minimize"),
            DefinitionCode.OBJECTIVE,
            "Search",
            "Arguments.HyperParameterTuningJobConfig.HyperParameterTuningJobObjective",
            "minimize",
            id="objective the wrong way round",
        ),
        pytest.param(
            "tuning",
            steps(0, *RANGES, "IntegerParameterRanges", 0, "Name", to="epochs"),
            DefinitionCode.HYPERPARAMETER,
            "Search",
            "Arguments.HyperParameterTuningJobConfig.ParameterRanges.IntegerParameterRanges[0]",
            '"epochs"',
            id="hyperparameter that can't be tuned",
        ),
        pytest.param(
            "tuning",
            steps(0, *JOB, "StaticHyperParameters", "epochs", to="25"),
            DefinitionCode.LEARNING_STEPS,
            "Search",
            "Arguments.TrainingJobDefinition.StaticHyperParameters.lr_scheduler_step",
            "epochs is 25",
            id="learning steps in a search",
        ),
        pytest.param(
            "tuning",
            steps(0, *JOB, "InputDataConfig", 0, "InputMode", to="FastFile"),
            DefinitionCode.AUGMENTED_MANIFEST,
            "Search",
            "Arguments.TrainingJobDefinition.InputDataConfig[0].InputMode",
            "FastFile",
            id="augmented manifest in a search",
        ),
        pytest.param(
            "tuning",
            steps(0, *LIMITS, "MaxParallelTrainingJobs", to=10),
            DefinitionCode.OUT_OF_RANGE,
            "Search",
            "Arguments.HyperParameterTuningJobConfig.ResourceLimits.MaxParallelTrainingJobs",
            "MaxNumberOfTrainingJobs",
            id="more at a time than in all",
        ),
        pytest.param(
            "outside",
            steps(2, "Arguments", "Conditions", 0, "LeftValue", to=get("Steps.Ask.OutputParameters['N']")),
            DefinitionCode.UNKNOWN_OUTPUT,
            "Enough",
            "Arguments.Conditions[0].LeftValue",
            '"N"',
            id="output of a function",
        ),
        pytest.param(
            "outside",
            steps(2, "Arguments", "Conditions", 0, "RightValue", to="10"),
            DefinitionCode.CONDITION_TYPES,
            "Enough",
            "Arguments.Conditions[0]",
            "String",
            id="a function's number compared with text",
        ),
        pytest.param(
            "outside",
            steps(0, "FunctionArn", to=None),
            DefinitionCode.REQUIRED,
            "Ask",
            "FunctionArn",
            "FunctionArn",
            id="no function",
        ),
        pytest.param(
            "outside",
            steps(0, "OutputParameters", 0, "OutputType", to="Int"),
            DefinitionCode.MALFORMED,
            "Ask",
            "OutputParameters[0]",
            "Int",
            id="type of an output",
        ),
        pytest.param(
            "abalone",
            change("Parameters", 0, "DefaultValue", to="ml.m5.huge"),
            DefinitionCode.BAD_DEFAULT,
            "Train",
            "Arguments.ResourceConfig.InstanceType",
            "parameter InstanceType",
            id="default of an instance type",
        ),
        pytest.param(
            "abalone",
            steps(3, "Arguments", "Conditions", 1, "Conditions", 0, "Values", to=[]),
            DefinitionCode.BAD_CONDITION,
            "Gate",
            "Arguments.Conditions[1].Conditions[0].Values",
            "Values",
            id="empty list inside a condition",
        ),
        pytest.param(
            "abalone",
            steps(3, "Arguments", "Conditions", 2, "Condition", "Type", to="Is"),
            DefinitionCode.BAD_CONDITION,
            "Gate",
            "Arguments.Conditions[2].Condition.Type",
            '"Is"',
            id="condition inside a Not",
        ),
        pytest.param(
            "loop",
            steps(
                1,
                "Arguments",
                "IfSteps",
                0,
                "Arguments",
                "AppSpecification",
                "ContainerArguments",
                1,
                to=get("ForEach.CurrentItem"),
            ),
            DefinitionCode.UNKNOWN_VARIABLE,
            "Best",
            "Arguments.AppSpecification.ContainerArguments[1]",
            "ForEachBody",
            id="item outside of its loop",
        ),
        pytest.param(
            "loop",
            steps(1, "Arguments", "IfSteps", 0, "DependsOn", to=["Score"]),
            DefinitionCode.MAY_NOT_RUN,
            "Best",
            "DependsOn[0]",
            "once per item",
            id="waiting for one turn of a loop",
        ),
        pytest.param(
            "loop",
            steps(0, "Arguments", "ForEachBody", 1, "Type", to="Fail"),
            DefinitionCode.MALFORMED,
            "Work",
            "Type",
            "ForEachBody",
            id="Fail step in a loop",
        ),
        pytest.param(
            "loop",
            steps(0, "Arguments", "MaxConcurrency", to=80),
            DefinitionCode.OUT_OF_RANGE,
            "Each",
            "Arguments.MaxConcurrency",
            "80",
            id="too many turns at once",
        ),
        pytest.param(
            "incremental",
            steps(1, "Arguments", "HyperParameters", "num_classes", to="3"),
            DefinitionCode.INCREMENTAL,
            "Second",
            "Arguments.HyperParameters.num_classes",
            "trained with",
            id="another number of classes",
        ),
        pytest.param(
            "incremental",
            steps(1, "Arguments", "HyperParameters", "base_network", to=None),
            DefinitionCode.INCREMENTAL,
            "Second",
            "Arguments.HyperParameters.base_network",
            "vgg-16",
            id="another network, by default",
        ),
        pytest.param(
            "incremental",
            steps(0, "Arguments", "InputDataConfig", 0, "ContentType", to="image/jpeg"),
            DefinitionCode.CHANNELS,
            "First",
            "Arguments.InputDataConfig",
            "train_annotation",
            id="images without annotations",
        ),
        pytest.param(
            "checks",
            steps(
                2,
                "Arguments",
                "DriftCheckBaselines",
                "Bias",
                "PreTrainingConstraints",
                "S3Uri",
                to=get("Steps.Bias.Constraints"),
            ),
            DefinitionCode.UNKNOWN_PROPERTY,
            "Register",
            "Arguments.DriftCheckBaselines.Bias.PreTrainingConstraints.S3Uri",
            '"Constraints"',
            id="property of a check",
        ),
        pytest.param(
            "hosting",
            steps(1, "Arguments", "ProductionVariants", 0, "ManagedInstanceScaling", "Status", to="ON"),
            DefinitionCode.NOT_IN_ENUM,
            "Config",
            "Arguments.ProductionVariants[0].ManagedInstanceScaling.Status",
            '"ON"',
            id="enum deep inside a variant",
        ),
        pytest.param(
            "hosting",
            steps(3, "Arguments", "EndpointName", to=None),
            DefinitionCode.REQUIRED,
            "Component",
            "Arguments.EndpointName",
            "EndpointName",
            id="component without an endpoint",
        ),
        pytest.param(
            "parallel",
            steps(3, "DependsOn", 1, to="Train-middle"),
            DefinitionCode.UNKNOWN_STEP,
            "Compare",
            "DependsOn[1]",
            "Train-middle",
            id="one of several dependencies",
        ),
        pytest.param(
            "parallel",
            steps(5, "Type", to="Athena"),
            DefinitionCode.UNCHECKED_STEP_TYPE,
            "Tidy",
            "Type",
            "not checked",
            id="type of step that is not known here",
        ),
    ],
)
def test_their_faults_are_found(
    shapes: dict[str, Definition],
    name: str,
    edit: Callable[[Definition], None],
    code: DefinitionCode,
    step: str,
    path: str,
    word: str,
) -> None:
    definition = copy.deepcopy(shapes[name])
    edit(definition)
    findings = check_definition(definition)
    here = [finding for finding in findings if (finding.code, finding.step, finding.path) == (code, step, path)]
    assert here, f"found only {findings}"
    assert word in here[0].message
    assert here[0].remedy


@pytest.mark.parametrize("kind", ["Athena", "AutoMLV2", "DataWrangler"])
def test_an_unknown_type_of_step_is_no_error(shapes: dict[str, Definition], kind: str) -> None:
    """The service may have a type that the SDK of today doesn't know; nothing is claimed about its arguments."""
    definition = copy.deepcopy(shapes["clusters"])
    definition["Steps"][0] |= {"Type": kind, "Whatever": 1, "CacheConfig": {"Enabled": True}}
    definition["Steps"][0]["Arguments"] = {"QueryString": "select 1", "Retries": "three"}
    findings = check_definition(definition)
    assert [(finding.code, finding.severity) for finding in findings] == [
        (DefinitionCode.UNCHECKED_STEP_TYPE, Severity.WARNING)
    ]
