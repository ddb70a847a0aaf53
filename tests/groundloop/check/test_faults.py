"""Faults put into our own definition, one at a time: each is caught, under its name and at its place."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from groundloop.check import Code, Finding, Severity, check_definition

Definition = dict[str, Any]
Edit = Callable[[Definition], None]

RUNTIME = "Arguments.StoppingCondition.MaxRuntimeInSeconds"
WAIT = "Arguments.StoppingCondition.MaxWaitTimeInSeconds"
TRAIN = "Arguments.InputDataConfig.0"
SOURCE = f"{TRAIN}.DataSource.S3DataSource"
ATTRIBUTES = "Arguments.InputDataConfig[0].DataSource.S3DataSource.AttributeNames"
OUTPUTS = "Arguments.ProcessingOutputConfig.Outputs"
VARIANT = "Arguments.ProductionVariants.0"


def step(definition: Definition, name: str) -> Definition:
    """A step by name, also from branches."""
    pending = list(definition["Steps"])
    while pending:
        found: Definition = pending.pop()
        if found["Name"] == name:
            return found
        pending += found["Arguments"].get("IfSteps", []) + found["Arguments"].get("ElseSteps", [])
    raise KeyError(name)


def _descend(holder: Any, path: str) -> tuple[Any, Any]:
    *parts, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    for part in parts:
        holder = holder[part]
    return holder, last


def put(name: str, path: str, value: Any) -> Edit:
    """Sets a member of a step; numbers in the path are indices."""

    def edit(definition: Definition) -> None:
        holder, key = _descend(step(definition, name), path)
        holder[key] = value

    return edit


def drop(name: str, path: str) -> Edit:
    """Removes a member of a step."""

    def edit(definition: Definition) -> None:
        holder, key = _descend(step(definition, name), path)
        del holder[key]

    return edit


def rename(name: str, path: str, new: str) -> Edit:
    """Gives a member of a step another name."""

    def edit(definition: Definition) -> None:
        holder, key = _descend(step(definition, name), path)
        holder[new] = holder.pop(key)

    return edit


def add(name: str, path: str, item: Any) -> Edit:
    """Appends to a list of a step, which is made if it isn't there."""

    def edit(definition: Definition) -> None:
        holder, key = _descend(step(definition, name), path)
        holder.setdefault(key, []).append(copy.deepcopy(item))

    return edit


def parameter(name: str, **members: Any) -> Edit:
    """Changes a parameter's declaration, or adds it."""

    def edit(definition: Definition) -> None:
        for item in definition["Parameters"]:
            if item["Name"] == name:
                item.update(members)
                return
        definition["Parameters"].append({"Name": name, **members})

    return edit


def top(key: str, value: Any) -> Edit:
    return lambda definition: definition.__setitem__(key, value)


def add_step(new: Definition) -> Edit:
    return lambda definition: definition["Steps"].append(copy.deepcopy(new))


def hyper(name: str, value: Any) -> Edit:
    return put("Train", f"Arguments.HyperParameters.{name}", value)


def get(path: str) -> dict[str, str]:
    return {"Get": path}


def json_get(step_name: str, file: str, path: Any = "gate.thresholds_missed") -> Definition:
    return {"Std:JsonGet": {"PropertyFile": get(f"Steps.{step_name}.PropertyFiles.{file}"), "Path": path}}


def equals(left: Any, right: Any) -> Definition:
    return {"Type": "Equals", "LeftValue": left, "RightValue": right}


MODEL_CHANNEL = {
    "ChannelName": "model",
    "ContentType": "application/x-sagemaker-model",
    "InputMode": "File",
    "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/model.tar.gz"}},
}
FAIL = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "stopped"}}

# The fault; what makes it; the code; the step and the path of the finding; a word of its message.
FAULTS = [
    # enums
    pytest.param([put("Train", "Arguments.AlgorithmSpecification.TrainingInputMode", "pipe")],
                 Code.NOT_IN_ENUM, "Train", "Arguments.AlgorithmSpecification.TrainingInputMode", '"pipe"',
                 id="input mode in lower case"),
    pytest.param([put("Prepare", "Arguments.ProcessingResources.ClusterConfig.InstanceType", "ml.p9.huge")],
                 Code.NOT_IN_ENUM, "Prepare", "Arguments.ProcessingResources.ClusterConfig.InstanceType", "ml.p9.huge",
                 id="processing machine that there is not"),
    pytest.param([put("Train", f"{SOURCE}.S3DataType", "AugmentedManifest")],
                 Code.NOT_IN_ENUM, "Train", "Arguments.InputDataConfig[0].DataSource.S3DataSource.S3DataType",
                 "AugmentedManifest", id="data type misspelt"),
    pytest.param([put("Register", "Arguments.ModelApprovalStatus", "Aproved")],
                 Code.NOT_IN_ENUM, "Register", "Arguments.ModelApprovalStatus", "Aproved",
                 id="approval status misspelt"),
    pytest.param([put("Register", "Arguments.InferenceSpecification.SupportedTransformInstanceTypes",
                      ["ml.m5.xlarge", "ml.m55.xlarge"])],
                 Code.NOT_IN_ENUM, "Register",
                 "Arguments.InferenceSpecification.SupportedTransformInstanceTypes[1]", "ml.m55.xlarge",
                 id="one of a list of machines misspelt"),
    # required, unknown and excluding members
    pytest.param([drop("Train", "Arguments.RoleArn")],
                 Code.REQUIRED, "Train", "Arguments.RoleArn", "RoleArn", id="no role"),
    pytest.param([drop("Train", "Arguments.StoppingCondition")],
                 Code.REQUIRED, "Train", "Arguments.StoppingCondition", "StoppingCondition",
                 id="no stopping condition"),
    pytest.param([drop("Predict", "Arguments.TransformInput.DataSource.S3DataSource.S3Uri")],
                 Code.REQUIRED, "Predict", "Arguments.TransformInput.DataSource.S3DataSource.S3Uri", "S3Uri",
                 id="required member deep inside"),
    pytest.param([drop("Predict", "Arguments.ModelName")],
                 Code.REQUIRED, "Predict", "Arguments.ModelName", "ModelName", id="transform without a model"),
    pytest.param([drop("Train", "Arguments.ResourceConfig.InstanceCount")],
                 Code.REQUIRED, "Train", "Arguments.ResourceConfig.InstanceCount", "InstanceCount",
                 id="number of machines missing"),
    pytest.param([rename("Train", "Arguments.HyperParameters", "Hyperparameters")],
                 Code.UNKNOWN_MEMBER, "Train", "Arguments.Hyperparameters", '"Hyperparameters"',
                 id="member with a small letter"),
    pytest.param([rename("Train", f"{TRAIN}.ShuffleConfig", "Shuffle")],
                 Code.UNKNOWN_MEMBER, "Train", "Arguments.InputDataConfig[0].Shuffle", '"Shuffle"',
                 id="unknown member inside a list"),
    pytest.param([drop("CreateModel", "Arguments.PrimaryContainer")],
                 Code.REQUIRED, "CreateModel", "Arguments", "PrimaryContainer", id="model without a container"),
    pytest.param([put("CreateModel", "Arguments.Containers", [{"Image": "image"}])],
                 Code.EXCLUSIVE, "CreateModel", "Arguments", "PrimaryContainer and Containers",
                 id="model with one and several containers"),
    pytest.param([drop("Prepare", "Arguments.ProcessingInputs.0.S3Input")],
                 Code.REQUIRED, "Prepare", "Arguments.ProcessingInputs[0]", "S3Input", id="input from nowhere"),
    pytest.param([put("EndpointConfig", f"{VARIANT}.ServerlessConfig", {"MemorySizeInMB": 2048, "MaxConcurrency": 2})],
                 Code.EXCLUSIVE, "EndpointConfig", "Arguments.ProductionVariants[0]", "ServerlessConfig",
                 id="serverless and on machines"),
    # types, ranges, lengths, patterns
    pytest.param([put("Train", "Arguments.ResourceConfig.VolumeSizeInGB", "50")],
                 Code.WRONG_TYPE, "Train", "Arguments.ResourceConfig.VolumeSizeInGB", '"50" is of type String',
                 id="number in quotes"),
    pytest.param([hyper("image_shape", 300)],
                 Code.WRONG_TYPE, "Train", "Arguments.HyperParameters.image_shape", "300 is of type Integer",
                 id="hyperparameter without quotes"),
    pytest.param([put("CreateModel", "Arguments.EnableNetworkIsolation", "true")],
                 Code.WRONG_TYPE, "CreateModel", "Arguments.EnableNetworkIsolation", '"true" is of type String',
                 id="boolean in quotes"),
    pytest.param([put("Train", "Arguments.ResourceConfig.InstanceCount", 0)],
                 Code.OUT_OF_RANGE, "Train", "Arguments.ResourceConfig.InstanceCount", "0", id="no machines"),
    pytest.param([put("Prepare", RUNTIME, 864000)],
                 Code.OUT_OF_RANGE, "Prepare", RUNTIME, "864000", id="processing for ten days"),
    pytest.param([put("Train", f"{SOURCE}.AttributeNames", [f"a{n}" for n in range(20)])],
                 Code.WRONG_LENGTH, "Train", ATTRIBUTES,
                 "20 items", id="twenty attributes"),
    pytest.param([put("Endpoint", "Arguments.EndpointName", "e" * 80)],
                 Code.WRONG_LENGTH, "Endpoint", "Arguments.EndpointName", "80 characters",
                 id="endpoint's name too long"),
    pytest.param([put("EndpointConfig", "Arguments.EndpointConfigName",
                      {"Std:Join": {"On": "-", "Values": ["c" * 55, get("Execution.PipelineExecutionId")]}})],
                 Code.WRONG_LENGTH, "EndpointConfig", "Arguments.EndpointConfigName", "68 characters",
                 id="joined name too long"),
    pytest.param([hyper("freeze_layer_pattern", "x" * 2501)],
                 Code.WRONG_LENGTH, "Train", "Arguments.HyperParameters.freeze_layer_pattern", "2501 characters",
                 id="hyperparameter too long"),
    pytest.param([put("Register", "Arguments.ModelPackageGroupName", "g_1")],
                 Code.BAD_PATTERN, "Register", "Arguments.ModelPackageGroupName", "g_1", id="group with an underscore"),
    pytest.param([put("Prepare", "Arguments.RoleArn", "my-role-for-the-pipeline")],
                 Code.BAD_PATTERN, "Prepare", "Arguments.RoleArn", "my-role", id="role that is no ARN"),
    pytest.param([put("Train", "Arguments.OutputDataConfig.S3OutputPath", "http://bucket/out")],
                 Code.BAD_PATTERN, "Train", "Arguments.OutputDataConfig.S3OutputPath", "http://bucket/out",
                 id="output path that is no S3 URI"),
    pytest.param([put("Train", "Arguments.Tags", [{"Key": "a?b", "Value": "v"}])],
                 Code.BAD_PATTERN, "Train", "Arguments.Tags[0].Key", "a?b", id="tag with a question mark"),
    # variables in slots of another type
    pytest.param([hyper("epochs", get("Parameters.Epochs"))],
                 Code.WRONG_TYPE, "Train", "Arguments.HyperParameters.epochs", "Parameters.Epochs is of type Integer",
                 id="number parameter as text"),
    pytest.param([put("Train", "Arguments.ResourceConfig.VolumeSizeInGB", get("Parameters.InputManifest"))],
                 Code.WRONG_TYPE, "Train", "Arguments.ResourceConfig.VolumeSizeInGB", "is of type String",
                 id="text parameter as a number"),
    pytest.param([put("Train", "Arguments.ResourceConfig.InstanceCount", {"Std:Join": {"On": "", "Values": ["1"]}})],
                 Code.WRONG_TYPE, "Train", "Arguments.ResourceConfig.InstanceCount", "Std:Join is of type String",
                 id="joined text as a number"),
    pytest.param([put("Train", "Arguments.ResourceConfig", get("Parameters.TrainInstanceType"))],
                 Code.WRONG_TYPE, "Train", "Arguments.ResourceConfig", "not a structure",
                 id="parameter for a structure"),
    pytest.param([put("Train", "Arguments.EnableNetworkIsolation", get("Parameters.Epochs"))],
                 Code.WRONG_TYPE, "Train", "Arguments.EnableNetworkIsolation", "not Boolean",
                 id="number parameter as a boolean"),
    pytest.param([put("CreateModel", "Arguments.PrimaryContainer.ModelDataUrl",
                      get("Steps.Train.ResourceConfig.VolumeSizeInGB"))],
                 Code.WRONG_TYPE, "CreateModel", "Arguments.PrimaryContainer.ModelDataUrl", "is of type Integer",
                 id="number property as text"),
    # parameters
    pytest.param([parameter("TrainInstanceType", DefaultValue="ml.p3.2xlarg")],
                 Code.BAD_DEFAULT, "Train", "Arguments.ResourceConfig.InstanceType", "ml.p3.2xlarg",
                 id="default that its slot does not take"),
    pytest.param([parameter("TrainInstanceType", EnumValues=["ml.p3.2xlarge", "ml.p33.2xlarge"])],
                 Code.BAD_DEFAULT, "Train", "Arguments.ResourceConfig.InstanceType", "ml.p33.2xlarge",
                 id="choice that its slot does not take"),
    pytest.param([parameter("DeployMode", DefaultValue="sometimes")],
                 Code.BAD_DEFAULT, None, "Parameters.DeployMode.DefaultValue", "sometimes",
                 id="default that is no choice"),
    pytest.param([parameter("Epochs", DefaultValue="30")],
                 Code.BAD_DEFAULT, None, "Parameters.Epochs.DefaultValue", '"30" of Epochs',
                 id="default of another type"),
    pytest.param([parameter("LabelAttribute", DefaultValue=None)],
                 Code.NO_DEFAULT, None, "Parameters.LabelAttribute", "LabelAttribute", id="parameter without default"),
    pytest.param([parameter("EndpointName", DefaultValue="")],
                 Code.EMPTY_DEFAULT, "Endpoint", "Arguments.EndpointName", "EndpointName is empty",
                 id="empty default where a name has to be"),
    pytest.param([parameter("InputManifest", DefaultValue=f"s3://bucket/{'x' * 1024}")],
                 Code.BAD_DEFAULT, None, "Parameters.InputManifest.DefaultValue", "1036 characters",
                 id="default longer than a start can give"),
    pytest.param([parameter("NumEpochs", Type="Integer", DefaultValue=3)],
                 Code.UNUSED_PARAMETER, None, "Parameters.NumEpochs", "nothing refers",
                 id="parameter that nothing uses"),
    pytest.param([parameter("Epochs", Type="Int")],
                 Code.BAD_PARAMETER, None, "Parameters.Epochs.Type", '"Int"', id="unknown type of parameter"),
    pytest.param([parameter("ApprovalMode", Type="String", DefaultValue="v0", EnumValues=[f"v{n}" for n in range(17)])],
                 Code.TOO_MANY_VALUES, None, "Parameters.ApprovalMode.EnumValues", "17", id="seventeen choices"),
    pytest.param([parameter("Min_Map", Type="Float", DefaultValue=0.1)],
                 Code.NAME_NOT_FOR_EVENTS, None, "Parameters.Min_Map", "underscore", id="parameter with an underscore"),
    pytest.param([parameter("Min Map", Type="Float", DefaultValue=0.1)],
                 Code.BAD_NAME, None, "Parameters.Min Map", '"Min Map"', id="parameter with a space"),
    pytest.param([lambda d: d["Parameters"].append(dict(d["Parameters"][0]))],
                 Code.DUPLICATE_NAME, None, "Parameters.InputManifest", "twice", id="parameter declared twice"),
    pytest.param([parameter("Epochs", Default=4)],
                 Code.UNKNOWN_KEY, None, "Parameters.Epochs.Default", '"Default"', id="unknown key of a parameter"),
    pytest.param([lambda d: d["Parameters"].extend({"Name": f"P{n}", "Type": "String", "DefaultValue": "x"}
                                                   for n in range(200))],
                 Code.TOO_MANY_PARAMETERS, None, "Parameters", "parameters", id="two hundred parameters too many"),
    # references
    pytest.param([put("Train", "Arguments.ResourceConfig.InstanceType", get("Parameters.TrainInstance"))],
                 Code.UNKNOWN_PARAMETER, "Train", "Arguments.ResourceConfig.InstanceType", '"TrainInstance"',
                 id="unknown parameter"),
    pytest.param([put("Predict", "Arguments.ModelName", get("Steps.Model.ModelName"))],
                 Code.UNKNOWN_STEP, "Predict", "Arguments.ModelName", '"Model"', id="unknown step"),
    pytest.param([put("CreateModel", "Arguments.PrimaryContainer.ModelDataUrl",
                      get("Steps.Train.ModelArtifacts.S3ModelArtifact"))],
                 Code.UNKNOWN_PROPERTY, "CreateModel", "Arguments.PrimaryContainer.ModelDataUrl", "S3ModelArtifact",
                 id="property misspelt"),
    pytest.param([put("CreateModel", "Arguments.PrimaryContainer.ModelDataUrl", get("Steps.Train.ModelUri"))],
                 Code.UNKNOWN_PROPERTY, "CreateModel", "Arguments.PrimaryContainer.ModelDataUrl", '"ModelUri"',
                 id="property that the type of step has not"),
    pytest.param([put("CreateModel", "Arguments.PrimaryContainer.ModelDataUrl", get("Steps.Train.ModelArtifacts"))],
                 Code.WHOLE_STRUCTURE, "CreateModel", "Arguments.PrimaryContainer.ModelDataUrl", "whole structure",
                 id="path that ends too early"),
    pytest.param([put("CreateModel", "Arguments.PrimaryContainer.ModelDataUrl",
                      {"Std:Join": {"On": "/", "Values": [get("Steps.Train.ModelArtifacts"), "model.tar.gz"]}})],
                 Code.WHOLE_STRUCTURE, "CreateModel",
                 "Arguments.PrimaryContainer.ModelDataUrl.Values[0]", "structure",
                 id="whole structure joined to a text"),
    pytest.param([put("Evaluate", "Arguments.ProcessingInputs.0.S3Input.S3Uri",
                      get("Steps.Prepare.ProcessingOutputConfig.Outputs['manifest'].S3Output.S3Uri"))],
                 Code.UNKNOWN_OUTPUT, "Evaluate", "Arguments.ProcessingInputs[0].S3Input.S3Uri", '"manifest"',
                 id="output that the step has not"),
    pytest.param([put("EndpointConfig", "Arguments.EndpointConfigName", get("Execution.ExecutionId"))],
                 Code.UNKNOWN_VARIABLE, "EndpointConfig", "Arguments.EndpointConfigName", '"ExecutionId"',
                 id="unknown variable of the execution"),
    pytest.param([put("EndpointConfig", "Arguments.EndpointConfigName", get("Parameter.EndpointName"))],
                 Code.BAD_EXPRESSION, "EndpointConfig", "Arguments.EndpointConfigName", "Parameter.EndpointName",
                 id="unknown namespace"),
    pytest.param([put("EndpointConfig", "Arguments.EndpointConfigName", {"Std:Concat": ["a", "b"]})],
                 Code.BAD_EXPRESSION, "EndpointConfig", "Arguments.EndpointConfigName", "Std:Concat",
                 id="unknown function"),
    pytest.param([put("EndpointConfig", "Arguments.EndpointConfigName", {"Std:Join": ["a", "b"]})],
                 Code.BAD_EXPRESSION, "EndpointConfig", "Arguments.EndpointConfigName", "Values",
                 id="Join without Values"),
    # property files
    pytest.param([hyper("num_classes", json_get("Prepare", "Sumary"))],
                 Code.UNKNOWN_PROPERTY_FILE, "Train", "Arguments.HyperParameters.num_classes", '"Sumary"',
                 id="property file that is not declared"),
    pytest.param([hyper("num_classes", json_get("Prepair", "Summary"))],
                 Code.UNKNOWN_STEP, "Train", "Arguments.HyperParameters.num_classes", '"Prepair"',
                 id="property file of an unknown step"),
    pytest.param([put("Prepare", "PropertyFiles.0.OutputName", "reports")],
                 Code.UNKNOWN_OUTPUT, "Prepare", "PropertyFiles[0].OutputName", '"reports"',
                 id="property file in an output that there is not"),
    pytest.param([drop("Prepare", "PropertyFiles.0.FilePath")],
                 Code.BAD_PROPERTY_FILE, "Prepare", "PropertyFiles[0]", "Summary", id="property file without a path"),
    pytest.param([hyper("num_classes", json_get("Prepare", "Summary", get("Parameters.LabelAttribute")))],
                 Code.BAD_JSON_PATH, "Train", "Arguments.HyperParameters.num_classes.Path", "from a parameter",
                 id="JSON path from a parameter"),
    pytest.param([hyper("num_classes", json_get("Prepare", "Summary", "training[num"))],
                 Code.BAD_JSON_PATH, "Train", "Arguments.HyperParameters.num_classes.Path", "training[num",
                 id="JSON path that is none"),
    pytest.param([hyper("num_classes", get("Steps.Prepare.PropertyFiles.Summary"))],
                 Code.BAD_EXPRESSION, "Train", "Arguments.HyperParameters.num_classes", "property file",
                 id="property file without JsonGet"),
    # order
    pytest.param([add("Predict", "DependsOn", "Evalute")],
                 Code.UNKNOWN_STEP, "Predict", "DependsOn[0]", '"Evalute"', id="DependsOn of an unknown step"),
    pytest.param([add("Prepare", "DependsOn", "Evaluate")],
                 Code.CYCLE, "Prepare", "DependsOn[0]", "Prepare waits for Evaluate", id="circle through DependsOn"),
    pytest.param([put("Train", "Arguments.OutputDataConfig.S3OutputPath", get("Steps.CreateModel.ModelName"))],
                 Code.CYCLE, "Train", "Arguments.OutputDataConfig.S3OutputPath", "Train waits for CreateModel",
                 id="circle through properties"),
    pytest.param([add("Evaluate", "DependsOn", "Register")],
                 Code.CYCLE, "Evaluate", "DependsOn[0]", "Evaluate waits for Register waits for Evaluate",
                 id="circle through a branch"),
    pytest.param([add_step({**FAIL, "DependsOn": ["Register"]})],
                 Code.MAY_NOT_RUN, "Stop", "DependsOn[0]", "Register is in IfSteps of QualityGate",
                 id="step that waits for a branch"),
    pytest.param([put("GateMissed", "Arguments.ErrorMessage", get("Steps.Register.ModelPackageArn"))],
                 Code.OTHER_BRANCH, "GateMissed", "Arguments.ErrorMessage", "other branch",
                 id="value from the other branch"),
    pytest.param([put("Predict", "DependsOn", [{"Step": "Train", "Trigger": "Failure"}])],
                 Code.MALFORMED, "Predict", "DependsOn[0].Trigger", "Failure", id="unknown trigger of a dependency"),
    # steps
    pytest.param([put("Register", "Name", "Train")],
                 Code.DUPLICATE_NAME, "Train", "Name", "two steps", id="name used again in a branch"),
    pytest.param([put("GateMissed", "Name", "Gate missed")],
                 Code.BAD_NAME, "Gate missed", "Name", "Gate missed", id="step's name with a space"),
    pytest.param([put("Train", "Type", "Trainning")],
                 Code.UNKNOWN_STEP_TYPE, "Train", "Type", "Trainning", id="step type misspelt"),
    pytest.param([rename("Prepare", "CacheConfig", "CachConfig")],
                 Code.UNKNOWN_KEY, "Prepare", "CachConfig", "CachConfig", id="step's key misspelt"),
    pytest.param([drop("Prepare", "Arguments")],
                 Code.MALFORMED, "Prepare", "Arguments", "no Arguments", id="step without arguments"),
    pytest.param([put("Prepare", "CacheConfig.ExpireAfter", "30 days")],
                 Code.BAD_CACHE, "Prepare", "CacheConfig.ExpireAfter", "30 days", id="duration that is none"),
    pytest.param([put("Prepare", "CacheConfig.Enabled", "true")],
                 Code.BAD_CACHE, "Prepare", "CacheConfig", "Enabled", id="cache switched on with a text"),
    pytest.param([put("CreateModel", "CacheConfig", {"Enabled": True, "ExpireAfter": "P1D"})],
                 Code.NEVER_CACHED, "CreateModel", "CacheConfig", "Model", id="cache for a step that has none"),
    pytest.param([put("Train", "RetryPolicies.0.ExceptionType", ["SageMaker.CAPACITY"])],
                 Code.BAD_RETRY, "Train", "RetryPolicies[0].ExceptionType[0]", "SageMaker.CAPACITY",
                 id="retry of an unknown exception"),
    pytest.param([put("Train", "RetryPolicies.0.MaxAttempts", 50)],
                 Code.BAD_RETRY, "Train", "RetryPolicies[0].MaxAttempts", "50", id="fifty attempts"),
    pytest.param([put("Train", "RetryPolicies.0.ExpireAfterMin", 5)],
                 Code.BAD_RETRY, "Train", "RetryPolicies[0]", "either", id="retry with two ends"),
    pytest.param([put("Endpoint", "RetryPolicies", [{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 2}])],
                 Code.NEVER_RETRIED, "Endpoint", "RetryPolicies", "Endpoint", id="retry of a step that has none"),
    pytest.param([put("QualityGate", "Arguments.Conditions.0.Type", "LessThanOrEqual")],
                 Code.BAD_CONDITION, "QualityGate", "Arguments.Conditions[0].Type", "LessThanOrEqual",
                 id="unknown condition"),
    pytest.param([drop("QualityGate", "Arguments.Conditions.0.RightValue")],
                 Code.BAD_CONDITION, "QualityGate", "Arguments.Conditions[0].RightValue", "RightValue",
                 id="condition without its right side"),
    pytest.param([put("DeployGate", "Arguments.IfSteps", [])],
                 Code.IDLE_CONDITION, "DeployGate", "Arguments", "decides nothing", id="condition without steps"),
    pytest.param([put("DeployGate", "Arguments.Conditions", [equals(get("Parameters.Epochs"), "30")])],
                 Code.CONDITION_TYPES, "DeployGate", "Arguments.Conditions[0]", "Integer",
                 id="number compared with text"),
    pytest.param([put("DeployGate", "Arguments.Conditions", [equals(get("Steps.Train.ModelArtifacts"), "x")])],
                 Code.CONDITION_TYPES, "DeployGate", "Arguments.Conditions[0].LeftValue", "structure",
                 id="structure in a condition"),
    pytest.param([put("GateMissed", "Arguments.ErrorMessage", get("Parameters.Epochs"))],
                 Code.WRONG_TYPE, "GateMissed", "Arguments.ErrorMessage", "Integer", id="number as error message"),
    pytest.param([rename("GateMissed", "Arguments.ErrorMessage", "Message")],
                 Code.UNKNOWN_MEMBER, "GateMissed", "Arguments.Message", "Message", id="unknown argument of Fail"),
    pytest.param([add_step(FAIL)],
                 Code.ALWAYS_FAILS, "Stop", "", "fails at once", id="Fail step outside of any branch"),
    # the definition
    pytest.param([top("Version", "2021-01-01")], Code.WRONG_VERSION, None, "Version", "2021-01-01",
                 id="unknown version"),
    pytest.param([top("Step", [])], Code.UNKNOWN_KEY, None, "Step", '"Step"', id="unknown key at the top"),
    pytest.param([put("Train", "Description", "d" * 3072), hyper("freeze_layer_pattern", "x" * 100_000)],
                 Code.LARGE_DEFINITION, None, "", "through an object in S3", id="definition over 100 KiB"),
    pytest.param([hyper("freeze_layer_pattern", "x" * 1_100_000)],
                 Code.TOO_LARGE_DEFINITION, None, "", "1,048,576", id="definition over 1 MiB"),
    # what the API asks beyond its shapes
    pytest.param([put("Train", "Arguments.EnableManagedSpotTraining", True)],
                 Code.SPOT, "Train", WAIT, "needs MaxWaitTimeInSeconds", id="spot without a waiting time"),
    pytest.param([put("Train", "Arguments.EnableManagedSpotTraining", True), put("Train", WAIT, 60)],
                 Code.SPOT, "Train", WAIT, "less than MaxRuntimeInSeconds", id="spot waits for less than it runs"),
    pytest.param([put("Train", "Arguments.EnableManagedSpotTraining", True), put("Train", WAIT, 100_000)],
                 Code.NO_CHECKPOINTS, "Train", "Arguments.CheckpointConfig", "interruption",
                 id="spot without checkpoints"),
    pytest.param([put("Train", WAIT, 100_000)],
                 Code.SPOT, "Train", WAIT, "refused without spot", id="waiting time without spot"),
    pytest.param([put("Predict", "Arguments.TransformInput.DataSource.S3DataSource.S3DataType",
                      "AugmentedManifestFile")],
                 Code.AUGMENTED_MANIFEST, "Predict", "Arguments.TransformInput.DataSource.S3DataSource.S3DataType",
                 "augmented manifest", id="augmented manifest for a transform"),
    pytest.param([put("Predict", "Arguments.MaxPayloadInMB", 60)],
                 Code.OUT_OF_RANGE, "Predict", "Arguments.MaxConcurrentTransforms", "more than 100 MB",
                 id="too much in flight"),
    pytest.param([put("EndpointConfig", "Arguments.EndpointConfigName", "detector-config")],
                 Code.FIXED_NAME, "EndpointConfig", "Arguments.EndpointConfigName", "detector-config",
                 id="endpoint config with one name for ever"),
    pytest.param([put("Prepare", f"{OUTPUTS}.1.OutputName", "manifests"), drop("Prepare", "PropertyFiles")],
                 Code.DUPLICATE_NAME, "Prepare", "Arguments.ProcessingOutputConfig.Outputs[1].OutputName", "manifests",
                 id="two outputs of one name"),
    # the built-in algorithm
    pytest.param([drop("Train", f"{TRAIN}.RecordWrapperType")],
                 Code.AUGMENTED_MANIFEST, "Train", "Arguments.InputDataConfig[0].RecordWrapperType", "RecordIO",
                 id="no RecordIO around the records"),
    pytest.param([put("Train", f"{SOURCE}.AttributeNames", ["bounding-box", "source-ref"])],
                 Code.AUGMENTED_MANIFEST, "Train", ATTRIBUTES,
                 "image has to come first", id="label before image"),
    pytest.param([put("Train", f"{SOURCE}.AttributeNames", ["source-ref", "bounding-box", "bounding-box-metadata"])],
                 Code.AUGMENTED_MANIFEST, "Train", ATTRIBUTES,
                 "here are 3", id="metadata among the attributes"),
    pytest.param([drop("Train", f"{SOURCE}.AttributeNames")],
                 Code.AUGMENTED_MANIFEST, "Train", ATTRIBUTES,
                 "AttributeNames", id="no attributes"),
    pytest.param([put("Train", f"{TRAIN}.InputMode", "File")],
                 Code.AUGMENTED_MANIFEST, "Train", "Arguments.InputDataConfig[0].InputMode", '"File"',
                 id="augmented manifest as a file"),
    pytest.param([put("Train", f"{TRAIN}.ContentType", "image/jpeg")],
                 Code.CONTENT_TYPE, "Train", "Arguments.InputDataConfig[0].ContentType", "image/jpeg",
                 id="content type of an image"),
    pytest.param([drop("Train", "Arguments.InputDataConfig.1")],
                 Code.CHANNELS, "Train", "Arguments.InputDataConfig", "validation", id="no validation channel"),
    pytest.param([put("Train", "Arguments.InputDataConfig.1.ChannelName", "valid")],
                 Code.CHANNELS, "Train", "Arguments.InputDataConfig[1].ChannelName", '"valid"', id="channel misnamed"),
    pytest.param([drop("Train", f"{TRAIN}.ShuffleConfig")],
                 Code.NOT_SHUFFLED, "Train", "Arguments.InputDataConfig[0].ShuffleConfig", "every epoch",
                 id="epochs not shuffled"),
    pytest.param([hyper("nms_treshold", "0.5")],
                 Code.HYPERPARAMETER, "Train", "Arguments.HyperParameters.nms_treshold", "nms_treshold",
                 id="hyperparameter misspelt"),
    pytest.param([hyper("base_network", "vgg16")],
                 Code.HYPERPARAMETER, "Train", "Arguments.HyperParameters.base_network", "vgg16",
                 id="network that the algorithm has not"),
    pytest.param([hyper("image_shape", "224")],
                 Code.HYPERPARAMETER, "Train", "Arguments.HyperParameters.image_shape", "224",
                 id="image shape under 300"),
    pytest.param([hyper("learning_rate", "1.5")],
                 Code.HYPERPARAMETER, "Train", "Arguments.HyperParameters.learning_rate", "1.5",
                 id="learning rate over 1"),
    pytest.param([hyper("epochs", "12.5")],
                 Code.HYPERPARAMETER, "Train", "Arguments.HyperParameters.epochs", "12.5", id="half an epoch"),
    pytest.param([parameter("Epochs", DefaultValue=0)],
                 Code.HYPERPARAMETER, "Train", "Arguments.HyperParameters.epochs", '"0"', id="no epochs by default"),
    pytest.param([drop("Train", "Arguments.HyperParameters.num_training_samples")],
                 Code.HYPERPARAMETER, "Train", "Arguments.HyperParameters.num_training_samples", "needs",
                 id="number of samples missing"),
    pytest.param([hyper("num_training_samples", "3")],
                 Code.BATCH_SIZE, "Train", "Arguments.HyperParameters.mini_batch_size", "num_training_samples 3",
                 id="batch larger than the data"),
    pytest.param([hyper("mini_batch_size", "100")],
                 Code.BATCH_MEMORY, "Train", "Arguments.HyperParameters.mini_batch_size", "100",
                 id="batch larger than the memory"),
    pytest.param([hyper("label_width", "6")],
                 Code.HYPERPARAMETER, "Train", "Arguments.HyperParameters.label_width", '"6"',
                 id="label width too small for one box"),
    pytest.param([hyper("lr_scheduler_step", "10,60")],
                 Code.LEARNING_STEPS, "Train", "Arguments.HyperParameters.lr_scheduler_step", "outside the run",
                 id="learning rate reduced after the end"),
    pytest.param([hyper("lr_scheduler_step", "8,4")],
                 Code.LEARNING_STEPS, "Train", "Arguments.HyperParameters.lr_scheduler_step", "does not rise",
                 id="learning steps out of order"),
    pytest.param([put("Train", "Arguments.ResourceConfig.InstanceType", "ml.m5.xlarge")],
                 Code.MACHINES, "Train", "Arguments.ResourceConfig.InstanceType", "GPUs only", id="training on a CPU"),
    pytest.param([put("Train", "Arguments.ResourceConfig.InstanceType", "ml.g6.xlarge")],
                 Code.UNLISTED_MACHINE, "Train", "Arguments.ResourceConfig.InstanceType", "ml.g6.xlarge",
                 id="GPU that the algorithm's page does not name"),
    pytest.param([put("Train", "Arguments.ResourceConfig.InstanceCount", 2)],
                 Code.MACHINES, "Train", "Arguments.HyperParameters.kv_store", "kv_store",
                 id="several machines without kv_store"),
    pytest.param([put("Train", "Arguments.AlgorithmSpecification.TrainingImage",
                      "433757028032.dkr.ecr.us-east-1.amazonaws.com/object-detection:1")],
                 Code.IMAGE, "Train", "Arguments.AlgorithmSpecification.TrainingImage", "us-east-1",
                 id="image of another region's account"),
    pytest.param([put("Train", "Arguments.AlgorithmSpecification.TrainingImage",
                      "811284229777.dkr.ecr.us-east-1.amazonaws.com/object-detection:latest")],
                 Code.IMAGE_TAG, "Train", "Arguments.AlgorithmSpecification.TrainingImage", "latest",
                 id="image with the latest tag"),
    pytest.param([add("Train", "Arguments.InputDataConfig", {**MODEL_CHANNEL, "InputMode": "Pipe"})],
                 Code.INCREMENTAL, "Train", "Arguments.InputDataConfig[2].InputMode", '"Pipe"',
                 id="model to go on from as a stream"),
    pytest.param([add("Train", "Arguments.InputDataConfig", {**MODEL_CHANNEL, "ContentType": "application/gzip"})],
                 Code.INCREMENTAL, "Train", "Arguments.InputDataConfig[2].ContentType", "application/gzip",
                 id="model to go on from with another content type"),
    pytest.param([add("Train", "Arguments.InputDataConfig", MODEL_CHANNEL), hyper("use_pretrained_model", "1")],
                 Code.INCREMENTAL_WEIGHTS, "Train", "Arguments.HyperParameters.use_pretrained_model", "is 1",
                 id="going on from a model and from ImageNet"),
    pytest.param([put("Predict", "Arguments.TransformInput.ContentType", "application/jsonlines")],
                 Code.CONTENT_TYPE, "Predict", "Arguments.TransformInput.ContentType", "application/jsonlines",
                 id="transform of something else than images"),
]  # fmt: skip


@pytest.fixture(scope="module")
def base(define: Callable[..., Definition]) -> Definition:
    """The whole pipeline, with the built-in algorithm's image."""
    return define()


def changed(base: Definition, edits: list[Edit]) -> list[Finding]:
    definition = copy.deepcopy(base)
    for edit in edits:
        edit(definition)
    return check_definition(definition)


@pytest.mark.parametrize(("edits", "code", "where", "path", "word"), FAULTS)
def test_a_fault_is_caught_where_it_is(
    base: Definition, edits: list[Edit], code: Code, where: str | None, path: str, word: str
) -> None:
    assert check_definition(base) == [], "the fault is the only one"
    findings = changed(base, edits)
    here = [finding for finding in findings if (finding.code, finding.step, finding.path) == (code, where, path)]
    assert here, f"found only {findings}"
    assert word in here[0].message
    assert here[0].remedy


def test_the_table_has_more_faults_than_was_asked_for() -> None:
    assert len(FAULTS) >= 45
    assert len({fault.id for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize(
    ("edits", "most"),
    [
        pytest.param([put("Train", "Type", "Trainning")], 4, id="type of a step that others refer to"),
        pytest.param([drop("Prepare", "Arguments")], 6, id="arguments of a step that others refer to"),
        pytest.param([put("Train", "Arguments.AlgorithmSpecification.TrainingInputMode", "pipe")], 1, id="one member"),
        pytest.param([put("Train", f"{TRAIN}.InputMode", "File")], 1, id="one channel"),
        pytest.param([put("Predict", "Arguments.ModelName", get("Steps.Model.ModelName"))], 1, id="one reference"),
    ],
)
def test_one_fault_gives_few_findings(base: Definition, edits: list[Edit], most: int) -> None:
    assert len(changed(base, edits)) <= most


def test_every_code_is_produced_by_some_fault() -> None:
    elsewhere = {Code.UNCHECKED_STEP_TYPE, Code.OBJECTIVE}  # test_other_shapes.py
    assert {fault.values[1] for fault in FAULTS} | elsewhere == set(Code)


def test_findings_say_what_to_do(base: Definition) -> None:
    (found,) = changed(base, [put("Train", "Arguments.AlgorithmSpecification.TrainingInputMode", "pipe")])
    assert found.severity is Severity.ERROR
    assert found.remedy == 'write "Pipe"'
    assert found.as_json() == {
        "severity": "error",
        "code": "not-in-enum",
        "step": "Train",
        "path": "Arguments.AlgorithmSpecification.TrainingInputMode",
        "message": '"pipe" is not one of Pipe, File, FastFile',
        "remedy": 'write "Pipe"',
    }


def test_errors_of_a_step_come_before_its_warnings_and_steps_in_their_order(base: Definition) -> None:
    findings = changed(
        base,
        [
            drop("Train", f"{TRAIN}.ShuffleConfig"),
            drop("Train", "Arguments.RoleArn"),
            drop("Prepare", "Arguments.RoleArn"),
            parameter("Unused", Type="String", DefaultValue="x"),
        ],
    )
    assert [(found.step, found.severity.value) for found in findings] == [
        (None, "warning"),
        ("Prepare", "error"),
        ("Train", "error"),
        ("Train", "warning"),
    ]


SUMMARY = {"training": {"num_training_samples": "20", "num_classes": 3, "label_width": "350"}}


def test_with_a_sample_the_paths_into_a_property_file_are_checked(base: Definition) -> None:
    good = {"training": {**SUMMARY["training"], "num_classes": "3"}}
    assert check_definition(base, samples={"Prepare.Summary": good}) == []
    (number,) = check_definition(base, samples={"Prepare.Summary": SUMMARY})
    assert (number.code, number.path) == (Code.WRONG_TYPE, "Arguments.HyperParameters.num_classes")
    small = {"training": {**good["training"], "num_training_samples": "3"}}
    (batch,) = check_definition(base, samples={"Prepare.Summary": small})
    assert batch.code is Code.BATCH_SIZE
    findings = check_definition(base, samples={"Prepare.Summary": {"training": {"num_class": "3"}}})
    assert {finding.code for finding in findings} == {Code.BAD_JSON_PATH}
    assert any(finding.remedy == 'write "num_class"' for finding in findings)
