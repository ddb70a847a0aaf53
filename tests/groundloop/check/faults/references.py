"""Faults in references to parameters, steps, properties and property files."""

from __future__ import annotations

import pytest

from groundloop.check import DefinitionCode
from tests.groundloop.check.faults.edits import drop, get, hyper, json_get, put

FAULTS = [
    # references
    pytest.param(
        [put("Train", "Arguments.ResourceConfig.InstanceType", get("Parameters.TrainInstance"))],
        DefinitionCode.UNKNOWN_PARAMETER,
        "Train",
        "Arguments.ResourceConfig.InstanceType",
        '"TrainInstance"',
        id="unknown parameter",
    ),
    pytest.param(
        [put("Predict", "Arguments.ModelName", get("Steps.Model.ModelName"))],
        DefinitionCode.UNKNOWN_STEP,
        "Predict",
        "Arguments.ModelName",
        '"Model"',
        id="unknown step",
    ),
    pytest.param(
        [
            put(
                "CreateModel",
                "Arguments.PrimaryContainer.ModelDataUrl",
                get("Steps.Train.ModelArtifacts.S3ModelArtifact"),
            )
        ],
        DefinitionCode.UNKNOWN_PROPERTY,
        "CreateModel",
        "Arguments.PrimaryContainer.ModelDataUrl",
        "S3ModelArtifact",
        id="property misspelt",
    ),
    pytest.param(
        [put("CreateModel", "Arguments.PrimaryContainer.ModelDataUrl", get("Steps.Train.ModelUri"))],
        DefinitionCode.UNKNOWN_PROPERTY,
        "CreateModel",
        "Arguments.PrimaryContainer.ModelDataUrl",
        '"ModelUri"',
        id="property that the type of step has not",
    ),
    pytest.param(
        [put("CreateModel", "Arguments.PrimaryContainer.ModelDataUrl", get("Steps.Train.ModelArtifacts"))],
        DefinitionCode.WHOLE_STRUCTURE,
        "CreateModel",
        "Arguments.PrimaryContainer.ModelDataUrl",
        "whole structure",
        id="path that ends too early",
    ),
    pytest.param(
        [
            put(
                "CreateModel",
                "Arguments.PrimaryContainer.ModelDataUrl",
                {"Std:Join": {"On": "/", "Values": [get("Steps.Train.ModelArtifacts"), "model.tar.gz"]}},
            )
        ],
        DefinitionCode.WHOLE_STRUCTURE,
        "CreateModel",
        "Arguments.PrimaryContainer.ModelDataUrl.Values[0]",
        "structure",
        id="whole structure joined to a text",
    ),
    pytest.param(
        [
            put(
                "Evaluate",
                "Arguments.ProcessingInputs.0.S3Input.S3Uri",
                get("Steps.Prepare.ProcessingOutputConfig.Outputs['manifest'].S3Output.S3Uri"),
            )
        ],
        DefinitionCode.UNKNOWN_OUTPUT,
        "Evaluate",
        "Arguments.ProcessingInputs[0].S3Input.S3Uri",
        '"manifest"',
        id="output that the step has not",
    ),
    pytest.param(
        [put("EndpointConfig", "Arguments.EndpointConfigName", get("Execution.ExecutionId"))],
        DefinitionCode.UNKNOWN_VARIABLE,
        "EndpointConfig",
        "Arguments.EndpointConfigName",
        '"ExecutionId"',
        id="unknown variable of the execution",
    ),
    pytest.param(
        [put("EndpointConfig", "Arguments.EndpointConfigName", get("Parameter.EndpointName"))],
        DefinitionCode.BAD_EXPRESSION,
        "EndpointConfig",
        "Arguments.EndpointConfigName",
        "Parameter.EndpointName",
        id="unknown namespace",
    ),
    pytest.param(
        [put("EndpointConfig", "Arguments.EndpointConfigName", {"Std:Concat": ["a", "b"]})],
        DefinitionCode.BAD_EXPRESSION,
        "EndpointConfig",
        "Arguments.EndpointConfigName",
        "Std:Concat",
        id="unknown function",
    ),
    pytest.param(
        [put("EndpointConfig", "Arguments.EndpointConfigName", {"Std:Join": ["a", "b"]})],
        DefinitionCode.BAD_EXPRESSION,
        "EndpointConfig",
        "Arguments.EndpointConfigName",
        "Values",
        id="Join without Values",
    ),
    # property files
    pytest.param(
        [hyper("num_classes", json_get("Prepare", "Sumary"))],
        DefinitionCode.UNKNOWN_PROPERTY_FILE,
        "Train",
        "Arguments.HyperParameters.num_classes",
        '"Sumary"',
        id="property file that is not declared",
    ),
    pytest.param(
        [hyper("num_classes", json_get("Prepair", "Summary"))],
        DefinitionCode.UNKNOWN_STEP,
        "Train",
        "Arguments.HyperParameters.num_classes",
        '"Prepair"',
        id="property file of an unknown step",
    ),
    pytest.param(
        [put("Prepare", "PropertyFiles.0.OutputName", "reports")],
        DefinitionCode.UNKNOWN_OUTPUT,
        "Prepare",
        "PropertyFiles[0].OutputName",
        '"reports"',
        id="property file in an output that there is not",
    ),
    pytest.param(
        [drop("Prepare", "PropertyFiles.0.FilePath")],
        DefinitionCode.BAD_PROPERTY_FILE,
        "Prepare",
        "PropertyFiles[0]",
        "Summary",
        id="property file without a path",
    ),
    pytest.param(
        [hyper("num_classes", json_get("Prepare", "Summary", get("Parameters.LabelAttribute")))],
        DefinitionCode.BAD_JSON_PATH,
        "Train",
        "Arguments.HyperParameters.num_classes.Path",
        "from a parameter",
        id="JSON path from a parameter",
    ),
    pytest.param(
        [hyper("num_classes", json_get("Prepare", "Summary", "training[num"))],
        DefinitionCode.BAD_JSON_PATH,
        "Train",
        "Arguments.HyperParameters.num_classes.Path",
        "training[num",
        id="JSON path that is none",
    ),
    pytest.param(
        [hyper("num_classes", get("Steps.Prepare.PropertyFiles.Summary"))],
        DefinitionCode.BAD_EXPRESSION,
        "Train",
        "Arguments.HyperParameters.num_classes",
        "property file",
        id="property file without JsonGet",
    ),
]
