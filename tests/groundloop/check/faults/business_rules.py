"""Faults against the API's rules beyond its shapes."""

from __future__ import annotations

import pytest

from groundloop.check import DefinitionCode
from tests.groundloop.check.faults.edits import OUTPUTS, WAIT, drop, parameter, put

KEY = "arn:aws:kms:us-east-1:123456789012:key/k"

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
    pytest.param(
        [put("Train", "Arguments.ResourceConfig.InstanceType", "ml.p3.2xlarge")],
        DefinitionCode.RETIRED_INSTANCE,
        "Train",
        "Arguments.ResourceConfig.InstanceType",
        "EC2 retires P3",
        id="retired instance type",
    ),
    pytest.param(
        [put("EndpointConfig", "Arguments.ProductionVariants.0.InstanceType", "ml.p2.xlarge")],
        DefinitionCode.RETIRED_INSTANCE,
        "EndpointConfig",
        "Arguments.ProductionVariants[0].InstanceType",
        "EC2 retires P2",
        id="endpoint on a retired instance type",
    ),
    pytest.param(
        [
            put("Train", "Arguments.ResourceConfig.InstanceType", "ml.g5.xlarge"),
            put("Train", "Arguments.ResourceConfig.VolumeKmsKeyId", KEY),
        ],
        DefinitionCode.VOLUME_KEY,
        "Train",
        "Arguments.ResourceConfig.VolumeKmsKeyId",
        "ml.g5.xlarge has local storage",
        id="key for local storage",
    ),
    pytest.param(
        [
            parameter("TrainInstanceType", DefaultValue="ml.c5.xlarge", EnumValues=["ml.c5.xlarge", "ml.g4dn.xlarge"]),
            put("Train", "Arguments.ResourceConfig.VolumeKmsKeyId", KEY),
        ],
        DefinitionCode.VOLUME_KEY,
        "Train",
        "Arguments.ResourceConfig.VolumeKmsKeyId",
        "ml.g4dn.xlarge, a choice of parameter TrainInstanceType, has local storage",
        id="key for a choice with local storage",
    ),
    pytest.param(
        [
            put("Predict", "Arguments.TransformResources.InstanceType", "ml.g4dn.xlarge"),
            put("Predict", "Arguments.TransformResources.VolumeKmsKeyId", KEY),
        ],
        DefinitionCode.VOLUME_KEY,
        "Predict",
        "Arguments.TransformResources.VolumeKmsKeyId",
        "local storage",
        id="key for a transform's local storage",
    ),
    pytest.param(
        [
            put("Prepare", "Arguments.ProcessingResources.ClusterConfig.InstanceType", "ml.r5d.large"),
            put("Prepare", "Arguments.ProcessingResources.ClusterConfig.VolumeKmsKeyId", KEY),
        ],
        DefinitionCode.VOLUME_KEY,
        "Prepare",
        "Arguments.ProcessingResources.ClusterConfig.VolumeKmsKeyId",
        "local storage",
        id="key for a processing job's local storage",
    ),
    pytest.param(
        [
            put("Train", "Arguments.ResourceConfig.InstanceType", "ml.p3.2xlarge"),
            put("Train", "Arguments.ResourceConfig.VolumeKmsKeyId", "alias/data"),
        ],
        DefinitionCode.VOLUME_KEY,
        "Train",
        "Arguments.ResourceConfig.VolumeKmsKeyId",
        "not the alias",
        id="alias for a training job's volumes",
    ),
    pytest.param(
        [put("Predict", "CacheConfig", {"Enabled": True, "ExpireAfter": "P30D"})],
        DefinitionCode.NEVER_CACHED,
        "Predict",
        "CacheConfig",
        "another name in each execution",
        id="cache of a transform with a model of this execution",
    ),
    pytest.param(
        [put("Train", "RetryPolicies.0.IntervalSeconds", 43201)],
        DefinitionCode.BAD_RETRY,
        "Train",
        "RetryPolicies[0].IntervalSeconds",
        "43201",
        id="wait of more than 12 hours before a retry",
    ),
    pytest.param(
        [parameter("InputManifest", DefaultValue=f"s3://bucket/{'a' * 250}/output.manifest")],
        DefinitionCode.BAD_DEFAULT,
        "Prepare",
        "Arguments.AppSpecification.ContainerArguments[3]",
        "InputManifest",
        id="URI too long for an argument of the job",
    ),
]
