"""Faults in Condition steps."""

from __future__ import annotations

import pytest

from groundloop.check import DefinitionCode
from tests.groundloop.check.faults.edits import FAIL, drop, equals, get, put

NESTED = {
    "Name": "Again",
    "Type": "Condition",
    "Arguments": {"Conditions": [equals(1, 1)], "IfSteps": [FAIL], "ElseSteps": []},
}

FAULTS = [
    pytest.param(
        [put("QualityGate", "Arguments.Conditions.0.Type", "LessThanOrEqual")],
        DefinitionCode.BAD_CONDITION,
        "QualityGate",
        "Arguments.Conditions[0].Type",
        "LessThanOrEqual",
        id="unknown condition",
    ),
    pytest.param(
        [drop("QualityGate", "Arguments.Conditions.0.RightValue")],
        DefinitionCode.BAD_CONDITION,
        "QualityGate",
        "Arguments.Conditions[0].RightValue",
        "RightValue",
        id="condition without its right side",
    ),
    pytest.param(
        [put("DeployGate", "Arguments.IfSteps", [])],
        DefinitionCode.IDLE_CONDITION,
        "DeployGate",
        "Arguments",
        "decides nothing",
        id="condition without steps",
    ),
    pytest.param(
        [put("QualityGate", "Arguments.ElseSteps", [NESTED])],
        DefinitionCode.NESTED_CONDITION,
        "Again",
        "Type",
        "branch of another (QualityGate) is not supported",
        id="condition in a branch of another",
    ),
    pytest.param(
        [put("DeployGate", "Arguments.Conditions", [equals(get("Parameters.Epochs"), "30")])],
        DefinitionCode.CONDITION_TYPES,
        "DeployGate",
        "Arguments.Conditions[0]",
        "Integer",
        id="number compared with text",
    ),
    pytest.param(
        [put("DeployGate", "Arguments.Conditions", [equals(get("Steps.Train.ModelArtifacts"), "x")])],
        DefinitionCode.CONDITION_TYPES,
        "DeployGate",
        "Arguments.Conditions[0].LeftValue",
        "structure",
        id="structure in a condition",
    ),
]
