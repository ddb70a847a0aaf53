"""Free: whether the account and the region have the instances and the images that the jobs name."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from groundloop.aws import error_code, error_message
from pipeline.config import Config
from pipeline.doctor.findings import AccountFinding
from pipeline.doctor.quotas import quotas
from pipeline.doctor.region import container_images
from pipeline.prove.probe_config import TRAIN_INSTANCE, probe_config
from pipeline.prove.trial import Trial
from pipeline.prove.verdict import Assumption, Verdict, broke, held, not_tried
from pipeline.prove.workbench import Workbench

_QUOTAS = "AWS Service Quotas, 'Amazon SageMaker endpoints and quotas'"

CONFIGURED = Assumption(
    "quotas-configured",
    "The account has quota for the instances that the configuration names.",
    "ml.p3.2xlarge, the default of `training.instance_type`, is of a generation that EC2 retires (check warns: "
    "retired-instance): without quota the training step fails at once.",
    "service-quotas ListServiceQuotas.",
    _QUOTAS,
)
CHEAPEST = Assumption(
    "quotas-cheapest",
    f"The account has quota for {TRAIN_INSTANCE} and the other instances of this proof.",
    "The paid tests can't run otherwise; a new account has a GPU quota of 0.",
    "service-quotas ListServiceQuotas.",
    _QUOTAS,
)
OFFERED = Assumption(
    "instance-offered",
    "EC2 offers the type of `training.instance_type` in the region.",
    "SageMaker's list of types still has generations that EC2 no longer offers.",
    "ec2 DescribeInstanceTypeOfferings.",
    "Amazon EC2 API reference, 'DescribeInstanceTypeOfferings'",
)
ALGORITHM_IMAGE = Assumption(
    "image-algorithm",
    "The image of the built-in Object Detection algorithm is where the SDK says, with its tag.",
    "Train, Predict and the endpoint can't start.",
    "ecr BatchGetImage of its manifest.",
    "Amazon SageMaker developer guide, 'Docker registry paths and example code'",
)
PROCESSING_IMAGE = Assumption(
    "image-processing",
    "The image of the processing jobs is there.",
    "Prepare and Evaluate can't start.",
    "ecr BatchGetImage of its manifest.",
    "Amazon SageMaker developer guide, 'Docker registry paths and example code'",
)
SPARK_IMAGE = Assumption(
    "image-spark",
    "SageMaker's Spark image has the short tag that `prepare` asks for with `processing.engine: spark`.",
    "The image's README shows only longer tags, with a version behind.",
    "ecr BatchGetImage of its manifest.",
    "aws/sagemaker-spark-container, 'README'",
)


def _quotas(bench: Workbench) -> Iterator[Verdict]:
    for assumption, config in (
        (CONFIGURED, bench.config), (CHEAPEST, probe_config(bench.config, bench.run)),
    ):  # fmt: skip
        yield _of_findings(assumption, quotas(config, bench))


def _of_findings(assumption: Assumption, findings: list[AccountFinding]) -> Verdict:
    text = "; ".join(finding.text for finding in findings)
    if any(finding.level == "error" for finding in findings):
        return broke(assumption, text)
    if any("unverified" in finding.text for finding in findings):
        return not_tried(assumption, text)
    return held(assumption, text)


def _offered(bench: Workbench) -> Iterator[Verdict]:
    instance = bench.config.training.instance_type.removeprefix("ml.")
    answer = bench.client("ec2").describe_instance_type_offerings(
        LocationType="region", Filters=[{"Name": "instance-type", "Values": [instance]}]
    )
    if answer["InstanceTypeOfferings"]:
        yield held(OFFERED, f"EC2 offers {instance} in {bench.config.aws.region}")
    else:
        yield broke(OFFERED, f"EC2 lists no offering of {instance} in {bench.config.aws.region}")


def _images(bench: Workbench) -> Iterator[Verdict]:
    for assumption, uri in image_uris(bench.config).items():
        yield _image(bench, assumption, uri)


def image_uris(config: Config) -> dict[Assumption, str]:
    """Return the URI of the image that each assumption is about."""
    from pipeline import sdk  # noqa: F401  (first: the SDK can't be imported without a region)
    from steps.processing import spark_image_uri

    algorithm, processing, *_ = container_images(config)
    return {
        ALGORITHM_IMAGE: algorithm,
        PROCESSING_IMAGE: processing,
        SPARK_IMAGE: spark_image_uri(config.processing, config.aws.region),
    }


def _image(bench: Workbench, assumption: Assumption, uri: str) -> Verdict:
    registry, _, path = uri.partition("/")
    repository, _, tag = path.partition(":")
    try:
        answer = bench.client("ecr").batch_get_image(
            registryId=registry.partition(".")[0], repositoryName=repository, imageIds=[{"imageTag": tag or "latest"}]
        )
    except ClientError as error:
        if error_code(error) == "RepositoryNotFoundException":
            return broke(assumption, f"{uri} is not there", error_message(error))
        raise
    if answer["images"]:
        return held(assumption, f"{uri} is there")
    words = "; ".join(f"{item['failureCode']}: {item['failureReason']}" for item in answer.get("failures", []))
    return broke(assumption, f"{uri} is not there", words)


QUOTAS = Trial("quotas", (CONFIGURED, CHEAPEST), (), _quotas, only_aws="the offline AWS has no quotas")
OFFERINGS = Trial("offerings", (OFFERED,), (), _offered, only_aws="the offline AWS has no instances")
IMAGES = Trial(
    "images",
    (ALGORITHM_IMAGE, PROCESSING_IMAGE, SPARK_IMAGE),
    (),
    _images,
    only_aws="the offline AWS has no image registry",
)
