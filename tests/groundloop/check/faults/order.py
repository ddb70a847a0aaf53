"""Faults in the order of the steps: unknown dependencies, cycles, branches."""

from __future__ import annotations

import pytest

from groundloop.check import DefinitionCode
from tests.groundloop.check.faults.edits import FAIL, add, add_step, get, put

FAULTS = [
    pytest.param(
        [add("Predict", "DependsOn", "Evalute")],
        DefinitionCode.UNKNOWN_STEP,
        "Predict",
        "DependsOn[0]",
        '"Evalute"',
        id="DependsOn of an unknown step",
    ),
    pytest.param(
        [add("Prepare", "DependsOn", "Evaluate")],
        DefinitionCode.CYCLE,
        "Prepare",
        "DependsOn[0]",
        "Prepare waits for Evaluate",
        id="circle through DependsOn",
    ),
    pytest.param(
        [put("Train", "Arguments.OutputDataConfig.S3OutputPath", get("Steps.CreateModel.ModelName"))],
        DefinitionCode.CYCLE,
        "Train",
        "Arguments.OutputDataConfig.S3OutputPath",
        "Train waits for CreateModel",
        id="circle through properties",
    ),
    pytest.param(
        [add("Evaluate", "DependsOn", "Register")],
        DefinitionCode.CYCLE,
        "Evaluate",
        "DependsOn[0]",
        "Evaluate waits for Register waits for QualityGate waits for Evaluate",
        id="circle through a branch",
    ),
    pytest.param(
        [add_step({**FAIL, "DependsOn": ["Register"]})],
        DefinitionCode.MAY_NOT_RUN,
        "Stop",
        "DependsOn[0]",
        "Register is in IfSteps of QualityGate",
        id="step that waits for a branch",
    ),
    pytest.param(
        [put("Predict", "DependsOn", ["DeployGate"])],
        DefinitionCode.AFTER_CONDITION,
        "Predict",
        "DependsOn[0]",
        "DeployGate is a Condition step",
        id="step that waits for a condition",
    ),
    pytest.param(
        [put("GateMissed", "Arguments.ErrorMessage", get("Steps.Register.ModelPackageArn"))],
        DefinitionCode.OTHER_BRANCH,
        "GateMissed",
        "Arguments.ErrorMessage",
        "other branch",
        id="value from the other branch",
    ),
    pytest.param(
        [put("Predict", "DependsOn", [{"Step": "Train", "Trigger": "Failure"}])],
        DefinitionCode.MALFORMED,
        "Predict",
        "DependsOn[0].Trigger",
        "Failure",
        id="unknown trigger of a dependency",
    ),
    pytest.param(
        [put("Predict", "DependsOn", [{"Step": "Train", "When": "Failed"}])],
        DefinitionCode.UNKNOWN_KEY,
        "Predict",
        "DependsOn[0].When",
        'an entry of DependsOn has no "When"',
        id="unknown key of a dependency",
    ),
    pytest.param(
        [put("Evaluate", "DependsOn", ["Prepare", {"Step": "Prepare", "Trigger": "Any"}])],
        DefinitionCode.MALFORMED,
        "Evaluate",
        "DependsOn[1]",
        "Prepare is named with two triggers, Completed and Any",
        id="two triggers of one step",
    ),
    pytest.param(
        [put("CreateModel", "DependsOn", [{"Step": "Train", "Trigger": "Failed"}])],
        DefinitionCode.MAY_NOT_RUN,
        "CreateModel",
        "DependsOn[0]",
        "CreateModel runs when Train has failed, and takes properties of Train",
        id="properties of a step that has failed",
    ),
]
