"""Faults in the declarations of parameters and in the definition as a whole."""

from __future__ import annotations

import pytest

from groundloop.check import DefinitionCode
from tests.groundloop.check.faults.edits import parameter, put, top

FAULTS = [
    # parameters
    pytest.param(
        [parameter("TrainInstanceType", DefaultValue="ml.p3.2xlarg")],
        DefinitionCode.BAD_DEFAULT,
        "Train",
        "Arguments.ResourceConfig.InstanceType",
        "ml.p3.2xlarg",
        id="default that its slot does not take",
    ),
    pytest.param(
        [parameter("TrainInstanceType", EnumValues=["ml.p3.2xlarge", "ml.p33.2xlarge"])],
        DefinitionCode.BAD_DEFAULT,
        "Train",
        "Arguments.ResourceConfig.InstanceType",
        "ml.p33.2xlarge",
        id="choice that its slot does not take",
    ),
    pytest.param(
        [parameter("DeployMode", DefaultValue="sometimes")],
        DefinitionCode.BAD_DEFAULT,
        None,
        "Parameters.DeployMode.DefaultValue",
        "sometimes",
        id="default that is no choice",
    ),
    pytest.param(
        [parameter("Epochs", DefaultValue="30")],
        DefinitionCode.BAD_DEFAULT,
        None,
        "Parameters.Epochs.DefaultValue",
        '"30" of Epochs',
        id="default of another type",
    ),
    pytest.param(
        [parameter("LabelAttribute", DefaultValue=None)],
        DefinitionCode.NO_DEFAULT,
        None,
        "Parameters.LabelAttribute",
        "LabelAttribute",
        id="parameter without default",
    ),
    pytest.param(
        [parameter("EndpointName", DefaultValue="")],
        DefinitionCode.EMPTY_DEFAULT,
        "Endpoint",
        "Arguments.EndpointName",
        "EndpointName is empty",
        id="empty default where a name has to be",
    ),
    pytest.param(
        [parameter("InputManifest", DefaultValue=f"s3://bucket/{'x' * 1024}")],
        DefinitionCode.BAD_DEFAULT,
        None,
        "Parameters.InputManifest.DefaultValue",
        "1036 characters",
        id="default longer than a start can give",
    ),
    pytest.param(
        [parameter("NumEpochs", Type="Integer", DefaultValue=3)],
        DefinitionCode.UNUSED_PARAMETER,
        None,
        "Parameters.NumEpochs",
        "nothing refers",
        id="parameter that nothing uses",
    ),
    pytest.param(
        [parameter("Epochs", Type="Int")],
        DefinitionCode.BAD_PARAMETER,
        None,
        "Parameters.Epochs.Type",
        '"Int"',
        id="unknown type of parameter",
    ),
    pytest.param(
        [parameter("ApprovalMode", Type="String", DefaultValue="v0", EnumValues=[f"v{n}" for n in range(17)])],
        DefinitionCode.TOO_MANY_VALUES,
        None,
        "Parameters.ApprovalMode.EnumValues",
        "17",
        id="seventeen choices",
    ),
    pytest.param(
        [parameter("Min_Map", Type="Float", DefaultValue=0.1)],
        DefinitionCode.NAME_NOT_FOR_EVENTS,
        None,
        "Parameters.Min_Map",
        "underscore",
        id="parameter with an underscore",
    ),
    pytest.param(
        [parameter("Min Map", Type="Float", DefaultValue=0.1)],
        DefinitionCode.BAD_NAME,
        None,
        "Parameters.Min Map",
        '"Min Map"',
        id="parameter with a space",
    ),
    pytest.param(
        [lambda d: d["Parameters"].append(dict(d["Parameters"][0]))],
        DefinitionCode.DUPLICATE_NAME,
        None,
        "Parameters.InputManifest",
        "twice",
        id="parameter declared twice",
    ),
    pytest.param(
        [parameter("Epochs", Default=4)],
        DefinitionCode.UNKNOWN_KEY,
        None,
        "Parameters.Epochs.Default",
        '"Default"',
        id="unknown key of a parameter",
    ),
    pytest.param(
        [
            lambda d: d["Parameters"].extend(
                {"Name": f"P{n}", "Type": "String", "DefaultValue": "x"} for n in range(200)
            )
        ],
        DefinitionCode.TOO_MANY_PARAMETERS,
        None,
        "Parameters",
        "parameters",
        id="two hundred parameters too many",
    ),
    # the definition
    pytest.param(
        [top("Version", "2021-01-01")],
        DefinitionCode.WRONG_VERSION,
        None,
        "Version",
        "2021-01-01",
        id="unknown version",
    ),
    pytest.param([top("Step", [])], DefinitionCode.UNKNOWN_KEY, None, "Step", '"Step"', id="unknown key at the top"),
    pytest.param(
        [put("Train", "Description", "d" * 100_000)],
        DefinitionCode.LARGE_DEFINITION,
        None,
        "",
        "through an object in S3",
        id="definition over 100 KiB",
    ),
    pytest.param(
        [put("Train", "Description", "d" * 1_100_000)],
        DefinitionCode.TOO_LARGE_DEFINITION,
        None,
        "",
        "1,048,576",
        id="definition over 1 MiB",
    ),
]
