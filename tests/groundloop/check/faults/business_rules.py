"""Faults against the API's rules beyond its shapes."""

from __future__ import annotations

import pytest

from groundloop.check import DefinitionCode
from tests.groundloop.check.faults.edits import OUTPUTS, WAIT, drop, put

FAULTS = [
    pytest.param(
        [put("Train", "Arguments.EnableManagedSpotTraining", True)],
        DefinitionCode.SPOT,
        "Train",
        WAIT,
        "needs MaxWaitTimeInSeconds",
        id="spot without a waiting time",
    ),
    pytest.param(
        [put("Train", "Arguments.EnableManagedSpotTraining", True), put("Train", WAIT, 60)],
        DefinitionCode.SPOT,
        "Train",
        WAIT,
        "less than MaxRuntimeInSeconds",
        id="spot waits for less than it runs",
    ),
    pytest.param(
        [put("Train", "Arguments.EnableManagedSpotTraining", True), put("Train", WAIT, 100_000)],
        DefinitionCode.NO_CHECKPOINTS,
        "Train",
        "Arguments.CheckpointConfig",
        "interruption",
        id="spot without checkpoints",
    ),
    pytest.param(
        [put("Train", WAIT, 100_000)],
        DefinitionCode.SPOT,
        "Train",
        WAIT,
        "rejected without spot",
        id="waiting time without spot",
    ),
    pytest.param(
        [put("Predict", "Arguments.TransformInput.DataSource.S3DataSource.S3DataType", "AugmentedManifestFile")],
        DefinitionCode.AUGMENTED_MANIFEST,
        "Predict",
        "Arguments.TransformInput.DataSource.S3DataSource.S3DataType",
        "augmented manifest",
        id="augmented manifest for a transform",
    ),
    pytest.param(
        [put("Predict", "Arguments.MaxPayloadInMB", 60)],
        DefinitionCode.OUT_OF_RANGE,
        "Predict",
        "Arguments.MaxConcurrentTransforms",
        "more than 100 MB",
        id="too much in flight",
    ),
    pytest.param(
        [put("EndpointConfig", "Arguments.EndpointConfigName", "detector-config")],
        DefinitionCode.FIXED_NAME,
        "EndpointConfig",
        "Arguments.EndpointConfigName",
        "detector-config",
        id="endpoint config with one name for ever",
    ),
    pytest.param(
        [put("Prepare", f"{OUTPUTS}.1.OutputName", "manifests"), drop("Prepare", "PropertyFiles")],
        DefinitionCode.DUPLICATE_NAME,
        "Prepare",
        "Arguments.ProcessingOutputConfig.Outputs[1].OutputName",
        "manifests",
        id="two outputs of one name",
    ),
]
