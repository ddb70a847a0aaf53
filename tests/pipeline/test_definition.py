"""The two definitions: valid for AWS's own request shapes, every setting used, built alike everywhere."""

from __future__ import annotations

import itertools
import json
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.validate import ParamValidator

from groundloop.check import Severity, check_definition
from groundloop.errors import ConfigError
from groundloop.spec.shapes import input_shape
from groundloop.spec.step_types import STEP_TYPES
from pipeline.config import Config
from steps.train.settings import TrainingSettings

Definition = dict[str, Any]

# Names that the service makes for each execution.
NAMED_BY_SERVICE = ("ProcessingJobName", "TrainingJobName", "TransformJobName", "ModelName")


def all_steps(steps: list[Any]) -> Iterator[Definition]:
    """The steps and those of their branches."""
    for step in steps:
        yield step
        if step["Type"] == "Condition":
            yield from all_steps(step["Arguments"]["IfSteps"])
            yield from all_steps(step["Arguments"]["ElseSteps"])


def is_variable(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in {"Get", "Std:Join", "Std:JsonGet"}


def variables(value: Any) -> Iterator[dict[str, Any]]:
    """Every Get, Join and JsonGet in a value, those inside others too."""
    if isinstance(value, dict):
        if is_variable(value):
            yield value
        for child in value.values():
            yield from variables(child)
    elif isinstance(value, list):
        for child in value:
            yield from variables(child)


def filled(value: Any, shape: Shape) -> Any:
    """A request with a value of the slot's type in place of each variable."""
    if is_variable(value):
        return {"integer": 1, "long": 1, "float": 1.0, "double": 1.0, "boolean": True}.get(shape.type_name, "filled-in")
    if isinstance(shape, StructureShape):
        return {key: filled(child, shape.members[key]) for key, child in value.items()}
    if isinstance(shape, ListShape):
        return [filled(child, shape.member) for child in value]
    if isinstance(shape, MapShape):
        return {key: filled(child, shape.value) for key, child in value.items()}
    return value


@pytest.fixture(params=["training", "deploying", "predicting"])
def definition(request: pytest.FixtureRequest) -> Definition:
    found: Definition = request.getfixturevalue(request.param)
    return found


def test_the_steps_are_those_of_the_diagram(training: Definition) -> None:
    names = [step["Name"] for step in training["Steps"]]
    assert names == ["Prepare", "Train", "CreateModel", "Predict", "Evaluate", "QualityGate", "DeployGate"]
    gate, deploy = (step["Arguments"] for step in training["Steps"][-2:])
    assert [step["Name"] for step in gate["IfSteps"]] == ["Register"]
    assert [step["Name"] for step in gate["ElseSteps"]] == ["GateMissed"]
    assert [step["Name"] for step in deploy["IfSteps"]] == ["EndpointConfig", "Endpoint"]


def test_no_condition_is_in_a_branch_of_another(training: Definition) -> None:
    """SageMaker Pipelines supports no nested Conditions; DeployGate waits for a step in the gate's branch instead."""
    inside = [
        inner
        for step in training["Steps"]
        if step["Type"] == "Condition"
        for inner in all_steps([*step["Arguments"]["IfSteps"], *step["Arguments"]["ElseSteps"]])
    ]
    assert "Condition" not in {step["Type"] for step in inside}
    assert training["Steps"][-1]["DependsOn"] == ["Register"]


@pytest.mark.parametrize(
    ("mode", "choices"),
    [
        pytest.param("on_pass", ["on_pass", "on_approval", "never"], id="deployed at once"),
        pytest.param("on_approval", ["on_pass", "on_approval", "never"], id="deployed after approval"),
        pytest.param("never", ["never"], id="never deployed: the role has no permissions for endpoints"),
    ],
)
def test_an_execution_chooses_among_the_modes_that_the_role_allows(
    define: Callable[..., Definition], mode: str, choices: list[str]
) -> None:
    (parameter,) = (item for item in define(f"deploy.mode={mode}")["Parameters"] if item["Name"] == "DeployMode")
    assert (parameter["DefaultValue"], parameter["EnumValues"]) == (mode, choices)


def test_the_deploy_pipeline_is_one_job_that_decides_when_it_runs(deploying: Definition) -> None:
    (step,) = deploying["Steps"]
    assert (step["Name"], step["Type"]) == ("Deploy", "Processing")
    assert "CacheConfig" not in step, "what the registry says changes without a change of the arguments"
    defaults = {parameter["Name"]: parameter["DefaultValue"] for parameter in deploying["Parameters"]}
    assert defaults["ModelPackageArn"] == "latest-approved", "a start without parameters deploys what is approved"
    assert defaults["ChangedPackageArn"] == "none"


def test_the_predict_pipeline_finds_model_and_images_when_it_runs(predicting: Definition) -> None:
    steps = {step["Name"]: step for step in predicting["Steps"]}
    assert list(steps) == ["Select", "CreateModel", "Predict", "Collect"]
    defaults = {parameter["Name"]: parameter["DefaultValue"] for parameter in predicting["Parameters"]}
    assert defaults["InputUri"] == "s3://photos/new/"
    assert defaults["OutputUri"] == "s3://groundloop-local/groundloop/predictions"
    assert defaults["ModelPackageArn"] == "latest-approved", "a start without parameters predicts with the champion"
    assert not [name for name, step in steps.items() if "CacheConfig" in step]


def test_every_request_passes_botocores_own_check(definition: Definition) -> None:
    checked = 0
    for step in all_steps(definition["Steps"]):
        operation = STEP_TYPES[step["Type"]].operation
        if not operation:
            continue
        checked += 1
        shape = input_shape(operation)
        request = filled(step["Arguments"], shape)
        for name in NAMED_BY_SERVICE:
            if name in shape.members and name in shape.required_members:
                request.setdefault(name, "named-by-the-service")
        report = ParamValidator().validate(request, shape)
        assert not report.has_errors(), f"{step['Name']}: {report.generate_report()}"
    assert checked


def test_the_checker_finds_no_error(definition: Definition) -> None:
    """It checks types of variables, enums, references and names, each rule with faults of its own."""
    assert [finding for finding in check_definition(definition) if finding.severity is Severity.ERROR] == []


def test_every_parameter_is_used_and_has_a_default(definition: Definition) -> None:
    used = {variable["Get"] for variable in variables(definition["Steps"]) if "Get" in variable}
    for parameter in definition["Parameters"]:
        assert f"Parameters.{parameter['Name']}" in used
        assert "DefaultValue" in parameter


def test_parameters_suit_studio_and_eventbridge(definition: Definition) -> None:
    for parameter in definition["Parameters"]:
        assert re.fullmatch(r"[A-Z][a-zA-Z0-9]*", parameter["Name"]), "EventBridge takes no underscore"
        assert len(parameter.get("EnumValues", [])) <= 16
        assert len(str(parameter["DefaultValue"])) <= 1024


def test_every_step_is_described_for_studios_graph(definition: Definition) -> None:
    for step in all_steps(definition["Steps"]):
        assert 0 < len(step["DisplayName"]) <= 256, step["Name"]
        assert 0 < len(step["Description"]) <= 3072, step["Name"]


def test_training_streams_the_augmented_manifest(training: Definition) -> None:
    arguments = training["Steps"][1]["Arguments"]
    assert arguments["AlgorithmSpecification"]["TrainingInputMode"] == "Pipe"
    assert [channel["ChannelName"] for channel in arguments["InputDataConfig"]] == ["train", "validation"]
    for channel in arguments["InputDataConfig"]:
        source = channel["DataSource"]["S3DataSource"]
        assert source["S3DataType"] == "AugmentedManifestFile"
        assert source["AttributeNames"] == ["source-ref", "bounding-box"], "image first"
        assert channel["RecordWrapperType"] == "RecordIO"
        assert channel["ContentType"] == "application/x-recordio"
    instance_type = {p["Name"]: p["DefaultValue"] for p in training["Parameters"]}["TrainInstanceType"]
    assert instance_type == "ml.g4dn.xlarge", "as local.yaml says"
    assert TrainingSettings.model_fields["instance_type"].default == "ml.p3.2xlarge"


def test_what_depends_on_the_data_comes_from_prepare(training: Definition) -> None:
    hyperparameters = training["Steps"][1]["Arguments"]["HyperParameters"]
    for name in ("num_classes", "num_training_samples", "label_width"):
        (value,) = hyperparameters[name]["Std:Join"]["Values"]
        assert value["Std:JsonGet"] == {
            "PropertyFile": {"Get": "Steps.Prepare.PropertyFiles.Summary"},
            "Path": f"training.{name}",
        }


def test_every_hyperparameter_reaches_training(define: Callable[..., Definition]) -> None:
    given = {
        "base_network": "resnet-50", "use_pretrained_model": 1, "image_shape": 512, "lr_scheduler_factor": 0.5,
        "lr_scheduler_step": "3,6", "optimizer": "adam", "momentum": 0.8, "weight_decay": 0.001,
        "overlap_threshold": 0.6, "nms_threshold": 0.4, "freeze_layer_pattern": "^conv1", "kv_store": "dist_sync",
        "early_stopping": True, "early_stopping_min_epochs": 4, "early_stopping_patience": 2,
        "early_stopping_tolerance": 0.01,
    }  # fmt: skip
    assignments = [f"training.hyperparameters.{name}='{value}'" for name, value in given.items()]
    numbers = [item.replace("'", "") for item in assignments if "step=" not in item]
    found = define(*numbers, "training.hyperparameters.lr_scheduler_step='3,6'")["Steps"][1]["Arguments"][
        "HyperParameters"
    ]
    assert {name: found[name] for name in given} == {name: str(value) for name, value in given.items()}


def test_the_endpoint_config_has_a_name_per_execution(training: Definition) -> None:
    config = next(step for step in all_steps(training["Steps"]) if step["Name"] == "EndpointConfig")
    assert {"Get": "Execution.PipelineExecutionId"} in list(variables(config["Arguments"]["EndpointConfigName"]))


def test_training_reads_data_under_a_name_that_is_made_of_their_content(training: Definition) -> None:
    channels = {
        channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"]
        for channel in training["Steps"][1]["Arguments"]["InputDataConfig"]
    }
    prefix = "s3://groundloop-local/groundloop/training-data"
    for name, uri in channels.items():
        values = [prefix, {"Get": "Steps.Prepare.ExitMessage"}, f"{name}.manifest"]
        assert uri == {"Std:Join": {"On": "/", "Values": values}}


def test_results_lie_under_the_execution_and_code_under_its_hash(training: Definition) -> None:
    outputs = training["Steps"][0]["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    *of_the_execution, training_data = outputs
    for output in of_the_execution:
        assert output["S3Output"]["S3Uri"]["Std:Join"]["Values"][1] == {"Get": "Execution.PipelineExecutionId"}
    assert training_data["S3Output"]["S3Uri"] == "s3://groundloop-local/groundloop/training-data"
    code = training["Steps"][0]["Arguments"]["ProcessingInputs"][-1]["S3Input"]["S3Uri"]
    assert re.fullmatch(r"s3://groundloop-local/groundloop/code/[0-9a-f]{64}/groundloop-prepare\.py", code)


def compiled(config: Config) -> str:
    """Compile the training pipeline in this process, whatever is kept of earlier."""
    from pipeline.definition import compile_pipeline, training_pipeline  # the SDK takes seconds to import

    return compile_pipeline(training_pipeline(config))


def test_the_same_configuration_gives_the_same_bytes(config: Config) -> None:
    assert compiled(config) == compiled(config)


def test_building_needs_no_network_and_no_credentials(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError(f"a connection was opened: {arguments}")

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert json.loads(compiled(config))["Steps"]


def test_building_makes_no_client(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK asks for a dozen: each takes up to a tenth of a second, and none is used."""
    from pipeline import sdk

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a client is made")

    sdk.building_session.cache_clear()
    monkeypatch.setattr("botocore.session.Session.create_client", refuse)
    assert json.loads(compiled(config))["Steps"]
    with pytest.raises(AssertionError, match="a client is made"):
        sdk.building_session(config.aws.region, config.aws.bucket).sagemaker_client.list_pipelines  # noqa: B018


def test_executions_make_no_experiment(definition: Definition) -> None:
    """Without the member SageMaker makes one per pipeline, for which the role has no permissions."""
    assert "PipelineExperimentConfig" in definition
    assert definition["PipelineExperimentConfig"] is None


def test_vpc_key_tags_and_isolation_reach_every_job(define: Callable[..., Definition]) -> None:
    definition = define(
        "aws.network={subnets: [subnet-0a], security_groups: [sg-0b], isolation: true, encrypt_traffic: true}",
        "processing.image_uri=123456789012.dkr.ecr.us-east-1.amazonaws.com/jobs:1",
        "processing.requirements=preinstalled",
        "prepare.check_images=none",
        "aws.kms_key=arn:aws:kms:us-east-1:123456789012:key/k",
        "aws.tags={team: vision}",
    )
    steps = {step["Name"]: step["Arguments"] for step in all_steps(definition["Steps"])}
    vpc = {"Subnets": ["subnet-0a"], "SecurityGroupIds": ["sg-0b"]}
    key = "arn:aws:kms:us-east-1:123456789012:key/k"
    for name in ("Prepare", "Evaluate"):
        assert steps[name]["NetworkConfig"]["VpcConfig"] == vpc
        assert steps[name]["NetworkConfig"]["EnableNetworkIsolation"] is True
        assert steps[name]["ProcessingOutputConfig"]["KmsKeyId"] == key
        assert steps[name]["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] == key
        assert steps[name]["Environment"]["AWS_DEFAULT_REGION"] == "us-east-1"
    assert steps["Train"]["VpcConfig"] == vpc
    assert steps["Train"]["EnableNetworkIsolation"] is True
    assert steps["Train"]["EnableInterContainerTrafficEncryption"] is True
    assert steps["Train"]["OutputDataConfig"]["KmsKeyId"] == key
    assert "VolumeKmsKeyId" not in steps["Train"]["ResourceConfig"], "types of TrainInstanceType have local storage"
    assert steps["CreateModel"]["VpcConfig"] == vpc
    assert steps["CreateModel"]["EnableNetworkIsolation"] is True
    assert steps["Predict"]["TransformOutput"]["KmsKeyId"] == key
    assert steps["EndpointConfig"]["KmsKeyId"] == key
    for name in ("Prepare", "Train", "CreateModel", "Predict", "Evaluate", "EndpointConfig", "Endpoint"):
        assert steps[name]["Tags"] == [{"Key": "team", "Value": "vision"}], name


def test_no_key_is_sent_for_volumes_that_are_local_storage(define: Callable[..., Definition]) -> None:
    """AWS rejects VolumeKmsKeyId for an instance type with local storage; outputs keep their key."""
    definition = define(
        "aws.kms_key=alias/data", "processing.instance_type=ml.g4dn.xlarge", "predict.instance_type=ml.g4dn.xlarge"
    )
    steps = {step["Name"]: step["Arguments"] for step in definition["Steps"]}
    assert "VolumeKmsKeyId" not in steps["Prepare"]["ProcessingResources"]["ClusterConfig"]
    assert "VolumeKmsKeyId" not in steps["Predict"]["TransformResources"]
    assert steps["Predict"]["TransformOutput"]["KmsKeyId"] == "alias/data"


def test_no_experiment_is_made(definition: Definition) -> None:
    """The role that doctor prints allows none."""
    assert definition["PipelineExperimentConfig"] is None


def test_the_package_may_be_used_where_the_pipeline_uses_it(define: Callable[..., Definition]) -> None:
    definition = define("deploy.endpoint.instance_type=ml.c6i.large", "predict.instance_type=ml.m5.4xlarge")
    register = next(step for step in all_steps(definition["Steps"]) if step["Name"] == "Register")
    specification = register["Arguments"]["InferenceSpecification"]
    assert "ml.c6i.large" in specification["SupportedRealtimeInferenceInstanceTypes"]
    assert "ml.m5.4xlarge" in specification["SupportedTransformInstanceTypes"]


def test_spot_training_waits_and_writes_checkpoints(define: Callable[..., Definition]) -> None:
    arguments = define("training.spot.enabled=true")["Steps"][1]["Arguments"]
    assert arguments["EnableManagedSpotTraining"] is True
    assert arguments["StoppingCondition"]["MaxWaitTimeInSeconds"] == 720 * 60
    assert "S3Uri" in arguments["CheckpointConfig"]


def test_without_spot_nothing_of_it_is_sent(training: Definition) -> None:
    """The service refuses MaxWaitTimeInSeconds without spot."""
    arguments = training["Steps"][1]["Arguments"]
    assert not {"EnableManagedSpotTraining", "CheckpointConfig"} & set(arguments)
    assert "MaxWaitTimeInSeconds" not in arguments["StoppingCondition"]


@pytest.mark.parametrize(
    ("assignment", "steps_with_cache"),
    [
        pytest.param("execution.cache.enabled=true", ["Train"], id="on"),
        pytest.param("execution.cache.enabled=false", [], id="off"),
    ],
)
def test_caching(define: Callable[..., Definition], assignment: str, steps_with_cache: list[str]) -> None:
    definition = define(assignment, "execution.cache.expire_after=P7D")
    cached = {step["Name"]: step["CacheConfig"] for step in definition["Steps"] if "CacheConfig" in step}
    assert cached == {name: {"Enabled": True, "ExpireAfter": "P7D"} for name in steps_with_cache}


def test_retries(define: Callable[..., Definition]) -> None:
    overlay = (
        "execution.retry={service: null, job: null, "
        "capacity: {interval_seconds: 300, backoff_rate: 1.5, max_attempts: 6}}"
    )
    train = define(overlay)["Steps"][1]
    assert train["RetryPolicies"] == [
        {
            "BackoffRate": 1.5,
            "IntervalSeconds": 300,
            "MaxAttempts": 6,
            "ExceptionType": ["SageMaker.CAPACITY_ERROR"],
        }
    ]


def test_data_capture(define: Callable[..., Definition]) -> None:
    definition = define("deploy.endpoint.data_capture_percent=20")
    config = next(step for step in all_steps(definition["Steps"]) if step["Name"] == "EndpointConfig")
    capture = config["Arguments"]["DataCaptureConfig"]
    assert (capture["EnableCapture"], capture["InitialSamplingPercentage"]) == (True, 20)


@pytest.mark.parametrize(
    ("assignment", "argument"),
    [
        pytest.param("prepare.split.stratify=true", "--stratify", id="stratified"),
        pytest.param("prepare.split.group.pattern='clip-\\d+'", r"--group-pattern=clip-\d+", id="groups by pattern"),
        pytest.param("prepare.split.group.key=patient", "--group-key=patient", id="groups by key"),
    ],
)
def test_how_to_split(define: Callable[..., Definition], assignment: str, argument: str) -> None:
    assert argument not in define()["Steps"][0]["Arguments"]["AppSpecification"]["ContainerArguments"]
    assert argument in define(assignment)["Steps"][0]["Arguments"]["AppSpecification"]["ContainerArguments"]


def test_a_threshold_of_zero_is_kept(define: Callable[..., Definition]) -> None:
    parameters = {p["Name"]: p["DefaultValue"] for p in define("gate.thresholds.map=0")["Parameters"]}
    assert parameters["MinMap"] == 0


@pytest.mark.parametrize(
    ("region", "message"),
    [
        pytest.param("us-esat-1", "did you mean us-west-1 or us-east-1?", id="misspelt"),
        pytest.param("mx-central-1", "has no image for the jobs", id="without the algorithm's image"),
    ],
)
def test_a_region_without_the_algorithm_is_refused(
    define: Callable[..., Definition], region: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        define(f"aws.region={region}")


def test_definitions_stay_small_enough_to_be_sent_inline(definition: Definition) -> None:
    assert len(json.dumps(definition, indent=1)) < 100 * 1024


def test_arguments_of_a_job_fit_the_api(training: Definition) -> None:
    for step in itertools.islice(training["Steps"], 5):
        arguments = step["Arguments"].get("AppSpecification", {}).get("ContainerArguments", [])
        assert len(arguments) <= 100
        assert all(len(argument) <= 256 for argument in arguments if isinstance(argument, str))
