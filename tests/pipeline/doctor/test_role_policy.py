"""The least-privilege policies: what each setting adds, and that nothing is wider than it has to be."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from pipeline.config import Config, load_config
from pipeline.doctor.data_plane_statements import key_resource
from pipeline.doctor.role_policy import policies
from tests.fixtures.recorded_calls import Call, covered

PROD = Path(__file__).resolve().parents[3] / "configs" / "prod.yaml"
IMAGES = [
    "811284229777.dkr.ecr.us-east-1.amazonaws.com/object-detection:1",
    "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-py312-cpu-py3",
]
ROLE = "arn:aws:iam::111122223333:role/groundloop"
VPC = "aws.network={subnets: [subnet-1], security_groups: [sg-1]}"
APP = "arn:aws:sagemaker:us-east-1:111122223333:mlflow-app/app-ABC123"
# Where IAM or the developer guide allows no narrower resource.
UNNAMEABLE = {
    "LogInToEcr",
    "WriteMetrics",  # narrowed by namespace
    "UseVpc",  # a resource or condition fails CreateProcessingJob's validation
    "DescribeScaling",
}


def configured(*assignments: str) -> Config:
    return load_config([PROD], assignments, environment={})


def statements_of(*assignments: str) -> dict[str, dict[str, Any]]:
    document = policies(configured(*assignments), IMAGES)["RolePolicy"]
    return {statement["Sid"]: statement for statement in document["Statement"]}


EVERYTHING = (
    VPC,
    "aws.kms_key=0aa0-1",
    "deploy.endpoint={autoscaling: {max_instances: 2, target: 100}, instance_count: 2, data_capture_percent: 10}",
    "deploy.rollout={traffic: canary, alarms: [errors]}",
    "aws.tags={team: vision}",
)


@pytest.mark.parametrize("assignments", [pytest.param((), id="plain"), pytest.param(EVERYTHING, id="everything")])
def test_the_documents_are_what_iam_takes(assignments: tuple[str, ...]) -> None:
    both = json.loads(json.dumps(policies(configured(*assignments), IMAGES)))
    for document in both.values():
        assert document["Version"] == "2012-10-17"
        sids = [statement["Sid"] for statement in document["Statement"]]
        assert len(set(sids)) == len(sids)
        assert all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in sids), "what IAM takes as a Sid"
    # An inline policy of a role has 10,240 characters at the most.
    assert len(json.dumps(both["RolePolicy"], separators=(",", ":"))) < 10_240


def test_no_statement_is_for_everything() -> None:
    for sid, statement in statements_of(*EVERYTHING).items():
        assert not any(action == "*" or action.endswith(":*") for action in statement["Action"]), sid
        assert ("*" in statement["Resource"]) == (sid in UNNAMEABLE), sid


def test_the_role_can_be_passed_to_sagemaker_by_itself_only() -> None:
    passing = statements_of()["PassRoleToSageMaker"]
    assert passing["Resource"] == [ROLE]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_results_are_written_under_the_prefix_only() -> None:
    written = statements_of("aws.prefix=a/b")["ReadAndWriteResults"]
    assert written["Resource"] == ["arn:aws:s3:::my-bucket/a/b/*"]
    everywhere = [s for s in statements_of().values() if "s3:PutObject" in s["Action"]]
    assert len(everywhere) == 1


def test_labels_may_be_in_other_buckets() -> None:
    found = statements_of(
        "labels.manifest=s3://theirs/m.manifest",
        "labels.additional_sources=[{uri: 's3://more/coco.json', images: 's3://pictures/x'}]",
    )
    names = ["theirs", "more", "pictures"]
    assert found["ReadLabelsAndImages"]["Resource"] == [f"arn:aws:s3:::{name}/*" for name in names]
    assert set(found["ListBuckets"]["Resource"]) == {f"arn:aws:s3:::{name}" for name in ["my-bucket", *names]}


def test_a_model_to_start_from_may_be_in_another_bucket() -> None:
    found = statements_of("training.start_from=s3://theirs/old/model.tar.gz")
    assert "arn:aws:s3:::theirs/*" in found["ReadLabelsAndImages"]["Resource"]
    assert "arn:aws:s3:::theirs" in found["ListBuckets"]["Resource"]


def test_images_are_pulled_from_the_accounts_that_have_them() -> None:
    assert statements_of()["PullImages"]["Resource"] == [
        "arn:aws:ecr:us-east-1:811284229777:repository/object-detection",
        "arn:aws:ecr:us-east-1:683313688378:repository/sagemaker-scikit-learn",
    ]


@pytest.mark.parametrize(
    ("assignments", "added"),
    [
        pytest.param([VPC], {"UseVpc"}, id="a VPC"),
        pytest.param(["aws.kms_key=0aa0-1"], {"EncryptResults", "EncryptVolumes"}, id="a key"),
        pytest.param(["aws.decrypt_keys=[0aa0-1, alias/b]"], {"DecryptInputs1", "DecryptInputs2"}, id="keys of inputs"),
        pytest.param(
            ["deploy.endpoint.autoscaling={max_instances: 2, target: 100}"],
            {"CreateScalingServiceRole"},
            id="autoscaling",
        ),
        pytest.param(
            ["deploy.endpoint.async_inference={error_topic: 'arn:aws:sns:us-east-1:111122223333:t'}"],
            {"PublishAsyncNotifications"},
            id="an asynchronous endpoint with a topic",
        ),
        pytest.param([f"tracking.mlflow={APP}"], {"LogRuns"}, id="an MLflow app"),
        pytest.param(["tracking.mlflow=https://h"], set(), id="another MLflow server"),
        pytest.param([f"tracking={{mlflow: '{APP}', at: command}}"], set(), id="MLflow that no job writes to"),
    ],
)
def test_a_setting_adds_just_what_it_needs(assignments: list[str], added: set[str]) -> None:
    assert set(statements_of(*assignments)) - set(statements_of()) == added


ACTIONS = {
    "Processing": ["CreateProcessingJob", "DescribeProcessingJob", "StopProcessingJob"],
    "Training": ["CreateTrainingJob", "DescribeTrainingJob", "StopTrainingJob"],
    "Transform": ["CreateTransformJob", "DescribeTransformJob", "StopTransformJob"],
    "Model": ["CreateModel"],
    "RegisterModel": ["CreateModelPackage"],
    "EndpointConfig": ["CreateEndpointConfig"],
    "Endpoint": ["CreateEndpoint", "UpdateEndpoint", "DescribeEndpoint"],
    "Condition": [],
    "Fail": [],
}


def texts(value: Any) -> Iterator[str]:
    """Every text in a definition."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def all_steps(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield step
        if step["Type"] == "Condition":
            yield from all_steps([*step["Arguments"]["IfSteps"], *step["Arguments"]["ElseSteps"]])


@pytest.mark.parametrize(
    "assignments",
    [
        pytest.param((), id="plain"),
        pytest.param(
            ("deploy.rollout.termination_wait_minutes=5", "deploy.endpoint.data_capture_percent=5"),
            id="by the Deploy job",
        ),
    ],
)
@pytest.mark.parametrize("deploy", [pytest.param(False, id="training"), pytest.param(True, id="deploying")])
def test_the_policy_is_enough_for_the_definition(
    define: Callable[..., dict[str, Any]], assignments: tuple[str, ...], deploy: bool
) -> None:
    definition = define(*assignments, overlay=PROD, deploy=deploy)
    document = policies(configured(*assignments), IMAGES)["RolePolicy"]["Statement"]
    allowed = {action.partition(":")[2] for statement in document for action in statement["Action"]}
    for step in all_steps(definition["Steps"]):
        assert set(ACTIONS[step["Type"]]) <= allowed, step["Name"]
    resources = [resource for statement in document for resource in statement["Resource"]]
    for text in texts(definition):
        if text.startswith("s3://"):
            # With a slash, since it may be the beginning of what a Join makes.
            arn = f"arn:aws:s3:::{text.removeprefix('s3://')}/"
            assert any(fnmatchcase(arn, pattern) for pattern in resources if ":s3:::" in pattern), text
        if found := re.fullmatch(r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/([^:]+):.*", text):
            assert f"arn:aws:ecr:{found[2]}:{found[1]}:repository/{found[3]}" in resources


def test_the_vpc_is_used_without_conditions_or_resources() -> None:
    """The developer guide: with either, the validation of CreateProcessingJob fails."""
    (statement,) = [item for item in statements_of(VPC).values() if any(a.startswith("ec2:") for a in item["Action"])]
    assert statement["Resource"] == ["*"]
    assert "Condition" not in statement
    assert {action.removeprefix("ec2:") for action in statement["Action"]} == {
        "CreateNetworkInterface", "CreateNetworkInterfacePermission", "DeleteNetworkInterface",
        "DeleteNetworkInterfacePermission", "DescribeDhcpOptions", "DescribeNetworkInterfaces",
        "DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("assignments", "expected"),
    [
        pytest.param(
            ["deploy.endpoint.autoscaling={max_instances: 2, target: 100}"],
            {
                "sagemaker:UpdateEndpointWeightsAndCapacities", "cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms",
                "cloudwatch:DescribeAlarms", "application-autoscaling:PutScalingPolicy", "iam:CreateServiceLinkedRole",
            },
            id="autoscaling needs the alarms and the weights too",
        ),
        pytest.param(
            [],
            {
                "application-autoscaling:DescribeScalableTargets", "application-autoscaling:DeregisterScalableTarget",
                "application-autoscaling:RegisterScalableTarget", "cloudwatch:DeleteAlarms",
            },
            id="autoscaling that was configured before is deregistered, and restored on failure",
        ),
        pytest.param(
            ["deploy.endpoint.serverless={}"],
            {
                "application-autoscaling:DescribeScalableTargets", "application-autoscaling:DeregisterScalableTarget",
                "sagemaker:UpdateEndpoint",
            },
            id="serverless",
        ),
        pytest.param(
            ["deploy.rollout={termination_wait_minutes: 5, alarms: [errors]}"],
            {"cloudwatch:DescribeAlarms"},
            id="alarms of a rollout",
        ),
        pytest.param(["deploy.mode=never"], {"sagemaker:CreateModelPackageGroup"}, id="a missing group is created"),
    ],
)  # fmt: skip
def test_what_a_deployment_may_call(assignments: list[str], expected: set[str]) -> None:
    assert expected <= {action for item in statements_of(*assignments).values() for action in item["Action"]}


def test_register_may_create_the_group_and_tag_what_it_creates() -> None:
    """A RegisterModel step creates a missing group, and the service tags both with the execution's ARN."""
    for action in ("CreateModelPackageGroup", "CreateModelPackage", "AddTags"):
        for resource in ("model-package-group/bolts", "model-package/bolts/7"):
            call = Call(f"sagemaker:{action}", f"arn:aws:sagemaker:us-east-1:111122223333:{resource}")
            assert covered(call, list(statements_of("registry.group=bolts").values())), call


# Actions of the Service Authorization Reference that have no operation of the same name.
ONLY_ACTIONS = {"iam:PassRole", "kms:ReEncryptFrom", "kms:ReEncryptTo", "s3:ListBucket"}


def test_every_action_is_one_of_its_services() -> None:
    """IAM accepts a misspelt action without a word, and it allows nothing."""
    further = (
        "aws.decrypt_keys=[0aa0-1]",
        "deploy.endpoint.async_inference={error_topic: 'arn:aws:sns:r:111122223333:t'}",
    )
    settings = [(), EVERYTHING, ("deploy.mode=never",), further]
    actions = {action for given in settings for item in statements_of(*given).values() for action in item["Action"]}
    session = botocore.session.get_session()
    operations = functools.cache(lambda service: session.get_service_model(service).operation_names)
    unknown = [name for name in actions if name.partition(":")[2] not in operations(name.partition(":")[0])]
    assert set(unknown) == ONLY_ACTIONS


def test_endpoint_names_that_extend_the_configured_one_are_allowed() -> None:
    """The parameter EndpointName may have another value in an execution."""
    found = statements_of("deploy.endpoint.name=bolts")["CreateAndUpdateEndpoint"]["Resource"]
    endpoints = [arn for arn in found if ":endpoint/" in arn]
    assert [arn.rsplit("/", 1)[1] for arn in endpoints] == ["bolts", "bolts-*"]


def test_further_keys_are_for_decryption_only() -> None:
    (statement,) = [item for sid, item in statements_of("aws.decrypt_keys=[0aa0-1]").items() if "Decrypt" in sid]
    assert statement["Action"] == ["kms:Decrypt"]
    assert statement["Resource"] == ["arn:aws:kms:us-east-1:111122223333:key/0aa0-1"]


def test_the_log_streams_of_jobs_are_covered() -> None:
    (pattern,) = statements_of()["WriteLogs"]["Resource"]
    stream = "log-group:/aws/sagemaker/TrainingJobs:log-stream:job/algo-1"
    assert fnmatchcase(f"arn:aws:logs:us-east-1:111122223333:{stream}", pattern)


def test_the_spark_image_can_be_pulled() -> None:
    from pipeline.doctor import container_images

    images = container_images(configured("processing.engine=spark"))
    assert any("sagemaker-spark-processing" in image for image in images)
    assert not any("spark" in image for image in container_images(configured()))


def test_nothing_of_hosting_without_deployment() -> None:
    actions = [action for found in statements_of("deploy.mode=never").values() for action in found["Action"]]
    assert not [action for action in actions if "Endpoint" in action or action.startswith("application-autoscaling")]


@pytest.mark.parametrize(
    ("assignments", "services"),
    [
        pytest.param([], {"sagemaker.amazonaws.com", "events.amazonaws.com"}, id="approval starts the deploy pipeline"),
        pytest.param(["deploy.mode=on_pass"], {"sagemaker.amazonaws.com"}, id="no trigger"),
        pytest.param(
            ["deploy.mode=on_pass", "triggers.schedules={weekly: {at: rate(7 days)}}"],
            {"sagemaker.amazonaws.com", "events.amazonaws.com"},
            id="a schedule",
        ),
        pytest.param(
            ["triggers.role=arn:aws:iam::111122223333:role/events"],
            {"sagemaker.amazonaws.com"},
            id="another role for it",
        ),
    ],
)
def test_who_may_take_on_the_role(assignments: list[str], services: set[str]) -> None:
    both = policies(configured(*assignments), IMAGES)
    (statement,) = both["TrustPolicy"]["Statement"]
    assert set(statement["Principal"]["Service"]) == services
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}
    starts = [item for item in both["RolePolicy"]["Statement"] if item["Sid"] == "StartPipelines"]
    assert bool(starts) == ("events.amazonaws.com" in services)


def test_names_are_allowed_as_the_service_spells_them() -> None:
    """SageMaker's ARNs have the names in lower case."""
    found = statements_of("registry.group=MyGroup")["RegisterModelPackages"]["Resource"]
    assert "arn:aws:sagemaker:us-east-1:111122223333:model-package/MyGroup/*" in found
    assert "arn:aws:sagemaker:us-east-1:111122223333:model-package/mygroup/*" in found


def test_a_long_endpoint_name_is_shortened_as_the_deploy_job_does() -> None:
    """Its models and configs carry version and hash after as much of the name as fits."""
    from groundloop.models.desired_endpoint import desired_endpoint

    name = "a" * 60
    specification = {"variants": [{"VariantName": "AllTraffic"}], "model": {}, "config": {}}
    made = desired_endpoint(
        specification, name, "arn:aws:sagemaker:us-east-1:111122223333:model-package/g/12345", "ml.m5.large"
    ).name
    allowed = statements_of(f"deploy.endpoint.name={name}")["ManageEndpointConfigs"]["Resource"]
    arn = f"arn:aws:sagemaker:us-east-1:111122223333:endpoint-config/{made}"
    assert any(fnmatchcase(arn, pattern) for pattern in allowed)


ARN = "arn:aws:kms:eu-west-1:111122223333:key/1"


@pytest.mark.parametrize(
    ("key", "resource", "alias"),
    [
        pytest.param("0aa0-1", "arn:aws:kms:r:1:key/0aa0-1", None, id="an id"),
        pytest.param(ARN, ARN, None, id="an ARN"),
        pytest.param("alias/mine", "arn:aws:kms:r:1:key/*", "alias/mine", id="an alias"),
        pytest.param("arn:aws:kms:r:1:alias/mine", "arn:aws:kms:r:1:key/*", "alias/mine", id="an alias' ARN"),
    ],
)
def test_how_a_key_is_named_in_a_policy(key: str, resource: str, alias: str | None) -> None:
    condition = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}} if alias else {}
    assert key_resource(key, "aws", "r", "1") == (resource, condition)


def test_other_partitions() -> None:
    found = statements_of("aws.region=us-gov-west-1", "aws.role=arn:aws-us-gov:iam::111122223333:role/r")
    assert all(
        arn.startswith("arn:aws-us-gov:")
        for sid in ("ListBuckets", "RunTrainingJobs")
        for arn in found[sid]["Resource"]
    )


def test_the_predict_pipeline_may_read_its_images_and_write_its_results() -> None:
    given = ("predict.input=s3://photos/new/", "predict.output=s3://elsewhere/found/")
    found = statements_of(*given)
    assert "arn:aws:s3:::photos/*" in found["ReadLabelsAndImages"]["Resource"]
    assert "arn:aws:s3:::elsewhere/found/*" in found["ReadAndWriteResults"]["Resource"]
    assert {"arn:aws:s3:::photos", "arn:aws:s3:::elsewhere"} <= {*found["ListBuckets"]["Resource"]}
    names = [arn.rsplit("/", 1)[-1] for arn in found["StartPipelines"]["Resource"]]
    assert names[-1].endswith("-predict")
    assert len(statements_of()["StartPipelines"]["Resource"]) == len(names) - 1


@pytest.mark.parametrize(
    ("uri", "gate"),
    [
        pytest.param(APP, {"sagemaker:CallMlflowAppApi"}, id="an app"),
        pytest.param(APP.replace("app/", "tracking-server/"), set(), id="a tracking server"),
    ],
)
def test_the_jobs_may_log_runs_there_and_nowhere_else(uri: str, gate: set[str]) -> None:
    statement = statements_of(f"tracking.mlflow={uri}")["LogRuns"]
    assert statement["Resource"] == [uri]
    assert {action for action in statement["Action"] if not action.startswith("sagemaker-mlflow:")} == gate
    assert {"sagemaker-mlflow:CreateRun", "sagemaker-mlflow:LogBatch"} <= set(statement["Action"])
