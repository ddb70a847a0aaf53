"""The IAM policy of those who run `groundloop labeling` and `groundloop a2i`; the services' role is the pipeline's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.config import Config
from pipeline.doctor.data_plane_statements import key_resource
from pipeline.doctor.policy_statement import ArnBuilder, Condition, Statement, bucket_of, policy_document
from pipeline.doctor.role_policy import SAGEMAKER

_LABELING_JOBS = ("CreateLabelingJob", "DescribeLabelingJob", "StopLabelingJob")
_FLOWS = ("CreateFlowDefinition", "DescribeFlowDefinition", "StartHumanLoop")
_UIS = ("CreateHumanTaskUi", "DescribeHumanTaskUi")
_LOOPS = ("DescribeHumanLoop", "StopHumanLoop", "DeleteHumanLoop")
_LISTS = ("ListHumanLoops", "ListLabelingJobs")


def labeling_policy(config: Config, data_buckets: Sequence[str] = ()) -> dict[str, Any]:
    """Return the least-privilege policy of an operator of labelling jobs and human loops, as IAM takes it.

    Args:
        config: the configuration.
        data_buckets: buckets of images besides those that the configuration names.
    """
    arns = ArnBuilder.of(config)
    own = config.aws.bucket
    images = [uri for source in config.labels.additional_sources for uri in (source.uri, source.images) if uri]
    read = list(dict.fromkeys([own, *map(bucket_of, [config.labels.manifest, *images]), *data_buckets]))
    role = config.labeling.role or config.aws.role
    passed: Condition = {"StringEquals": {"iam:PassedToService": SAGEMAKER}}
    workteam = config.labeling.workteam or arns.arn("sagemaker", "workteam/*")
    statements = [
        _sagemaker("ManageLabelingJobs", _LABELING_JOBS, [arns.arn("sagemaker", "labeling-job/*")]),
        _sagemaker("ManageFlowDefinitions", _FLOWS, [arns.arn("sagemaker", "flow-definition/*")]),
        _sagemaker("ManageWorkerTemplates", _UIS, [arns.arn("sagemaker", "human-task-ui/*")]),
        _sagemaker("ManageHumanLoops", _LOOPS, [arns.arn("sagemaker", "human-loop/*")]),
        _sagemaker("ListLabelingWork", _LISTS, ["*"]),
        _sagemaker("FindWorkersPortal", ("DescribeWorkteam",), [workteam]),
        Statement("ReadLabelsAndImages", ["s3:GetObject"], [arns.bucket(name, "/*") for name in read]),
        Statement("WriteInputs", ["s3:PutObject"], [arns.bucket(own, f"/{config.aws.prefix}/labeling/*")]),
        Statement("ListBuckets", ["s3:ListBucket", "s3:GetBucketCORS"], [arns.bucket(name) for name in read]),
        Statement("PassRoleToSageMaker", ["iam:PassRole"], [role], passed),
    ]
    if config.aws.kms_key:
        resource, condition = key_resource(config.aws.kms_key, arns.partition, arns.region, arns.account)
        statements.append(Statement("EncryptInputs", ["kms:Decrypt", "kms:GenerateDataKey"], [resource], condition))
    if config.aws.tags:
        tagged = [arns.arn("sagemaker", f"{kind}/*") for kind in ("labeling-job", "flow-definition", "human-task-ui")]
        statements.append(_sagemaker("TagResources", ("AddTags",), tagged))
    return policy_document([statement.json() for statement in statements])


def _sagemaker(sid: str, operations: Sequence[str], resources: Sequence[str]) -> Statement:
    return Statement(sid, [f"sagemaker:{name}" for name in operations], resources)
