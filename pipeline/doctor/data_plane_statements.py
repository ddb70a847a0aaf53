"""What jobs and containers may use: data, keys, images, logs, the network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from groundloop.s3 import SCHEME, split_uri
from groundloop.tracking.destination import is_arn
from pipeline.config import Config
from pipeline.doctor.policy_statement import ArnBuilder, Condition, Statement, bucket_of

# What `groundloop.tracking.mlflow_store` calls, by "Actions defined by Amazon SageMaker with MLflow" of the Service
# Authorization Reference. Artifacts are written to S3 directly.
_RUN_ACTIONS = (
    *("CreateExperiment", "GetExperimentByName", "SearchRuns", "CreateRun", "GetRun", "GetMetricHistory"),
    *("LogBatch", "ListArtifacts", "UpdateRun"),
)
_ECR = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z.]+/(?P<repository>[^:@]+)")


def data_plane_statements(
    config: Config, arns: ArnBuilder, images: Sequence[str], data_buckets: Sequence[str]
) -> Iterator[Statement]:
    """Yield the statements for data, keys, container images, logs and the network.

    Args:
        config: the configuration.
        arns: builds the ARNs.
        images: URIs of the jobs' container images.
        data_buckets: buckets of images besides those that the configuration names.
    """
    yield from _data(config, arns, data_buckets)
    yield from _keys(config, arns)
    yield from _containers(images, arns)
    yield from _logs(config, arns)
    yield from _runs(config)
    yield from _network(config)


def _data(config: Config, arns: ArnBuilder, data_buckets: Sequence[str]) -> Iterator[Statement]:
    own, prefix = config.aws.bucket, config.aws.prefix
    more = [uri for source in config.labels.additional_sources for uri in (source.uri, source.images) if uri]
    more += [uri for uri in [config.training.start_from] if isinstance(uri, str) and uri.startswith(SCHEME)]
    more += [uri for uri in (config.predict.input, config.monitor.captures) if uri]
    read = list(dict.fromkeys([*map(bucket_of, [config.labels.manifest, *more]), *data_buckets]))
    yield Statement("ReadLabelsAndImages", ["s3:GetObject"], [arns.bucket(name, "/*") for name in read])
    written = [arns.bucket(own, f"/{prefix}/*")]
    asynchronous = config.deploy.endpoint.async_inference if config.deploy.mode != "never" else None
    if asynchronous and asynchronous.output:
        bucket, key = split_uri(asynchronous.output)
        written.append(arns.bucket(bucket, f"/{key.rstrip('/')}/*"))
    yield Statement("ReadAndWriteResults", ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"], written)
    if config.predict.input and config.predict.output:
        bucket, key = split_uri(config.predict.output)
        written.append(arns.bucket(bucket, f"/{key.rstrip('/')}/*"))
    listed = dict.fromkeys([own, *read, *(resource.split(":::")[1].split("/")[0] for resource in written)])
    # Without permission to list, S3 answers 403 instead of 404 for a missing object.
    yield Statement("ListBuckets", ["s3:ListBucket", "s3:GetBucketLocation"], [arns.bucket(name) for name in listed])
    if asynchronous:
        topics = [topic for topic in (asynchronous.success_topic, asynchronous.error_topic) if topic]
        if topics:
            yield Statement("PublishAsyncNotifications", ["sns:Publish"], topics)


def _keys(config: Config, arns: ArnBuilder) -> Iterator[Statement]:
    for number, key in enumerate(config.aws.decrypt_keys, 1):
        resource, condition = key_resource(key, arns.partition, arns.region, arns.account)
        yield Statement(f"DecryptInputs{number}", ["kms:Decrypt"], [resource], condition)
    key_of_results = config.aws.kms_key
    if not key_of_results:
        return
    resource, condition = key_resource(key_of_results, arns.partition, arns.region, arns.account)
    using = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"]
    yield Statement("EncryptResults", [*using, "kms:ReEncryptTo"], [resource], condition)
    yield Statement("EncryptVolumes", ["kms:CreateGrant"], [resource], condition)


def key_resource(key: str, partition: str, region: str, account: str) -> tuple[str, Condition]:
    """Return the ARN that stands for a key in a policy, and the condition that it needs.

    An alias can't be a policy's resource: it becomes a condition on all keys of the account.
    """
    alias = key if key.startswith("alias/") else key.partition(":alias/")[2] and f"alias/{key.partition(':alias/')[2]}"
    if alias:
        every = f"arn:{partition}:kms:{region}:{account}:key/*"
        return every, {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}
    return (key if key.startswith("arn:") else f"arn:{partition}:kms:{region}:{account}:key/{key}"), {}


def _containers(images: Sequence[str], arns: ArnBuilder) -> Iterator[Statement]:
    matches = [match for match in map(_ECR.match, dict.fromkeys(images)) if match]
    if not matches:
        return
    repositories = [
        f"arn:{arns.partition}:ecr:{match['region']}:{match['account']}:repository/{match['repository']}"
        for match in matches
    ]
    pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    yield Statement("PullImages", pull, repositories)
    yield Statement("LogInToEcr", ["ecr:GetAuthorizationToken"], ["*"])


def _logs(config: Config, arns: ArnBuilder) -> Iterator[Statement]:
    actions = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    # The wildcard also matches the ARNs of streams, which continue with ":log-stream:...".
    yield Statement("WriteLogs", actions, [arns.arn("logs", "log-group:/aws/sagemaker/*")])
    # Evaluate draws the training curve from the training job's log.
    yield Statement(
        "ReadTrainingLog", ["logs:FilterLogEvents"], [arns.arn("logs", "log-group:/aws/sagemaker/TrainingJobs*")]
    )
    namespaces = ["/aws/sagemaker/*", "aws/sagemaker/*", "AWS/SageMaker"]
    if config.labeling.workteam and config.labeling.role in {None, config.aws.role}:
        namespaces.append("AWS/SageMaker/Workteam")  # Ground Truth's metrics of the workers
    if config.has_monitor and config.monitor.metrics_namespace:
        namespaces.append(config.monitor.metrics_namespace)
    metrics: Condition = {"StringLike": {"cloudwatch:namespace": namespaces}}
    yield Statement("WriteMetrics", ["cloudwatch:PutMetricData"], ["*"], metrics)


def _runs(config: Config) -> Iterator[Statement]:
    uri = config.tracking.mlflow
    if uri is None or not (config.tracking.in_job and is_arn(uri)):
        return
    # An app checks one action of its own for every call, a tracking server one for each.
    gate = ["sagemaker:CallMlflowAppApi"] if ":mlflow-app/" in uri else []
    yield Statement("LogRuns", [*gate, *(f"sagemaker-mlflow:{action}" for action in _RUN_ACTIONS)], [uri])


def _network(config: Config) -> Iterator[Statement]:
    if not config.aws.network.subnets:
        return
    interface = ["NetworkInterface", "NetworkInterfacePermission"]
    parts = ["DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs"]
    actions = [f"{verb}{name}" for verb in ("Create", "Delete") for name in interface]
    # For a private VPC the guide's "CreateProcessingJob API: Execution Role Permissions" forbids conditions and
    # resource filters here: with them, the validation of the job's creation fails.
    yield Statement("UseVpc", [f"ec2:{name}" for name in [*actions, *(f"Describe{part}" for part in parts)]], ["*"])
