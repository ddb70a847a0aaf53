"""Paid: small processing jobs, for the size of a property file and for a job in the configured VPC."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from groundloop.executions.control import RUNNING, steps, transition
from pipeline.prove.trial import Trial, TrialInstance
from pipeline.prove.verdict import Assumption, NotTriedError, Verdict, broke, held
from pipeline.prove.workbench import Workbench, job_seconds, prerequisite

_INSTANCE = "ml.t3.medium"
_OVERHEAD_SECONDS = 900
_SIZES_MB = (1, 5, 20)
_FILE = TrialInstance("property files", _INSTANCE, "Processing", 10 * len(_SIZES_MB))
_IN_VPC = TrialInstance("job in the VPC", _INSTANCE, "Processing", 10)

FILE_SIZE = Assumption(
    "property-file-size",
    f"A Condition reads a property file of {_SIZES_MB[0]} MB.",
    "The evaluation of many classes is such a file; AWS gives no limit.",
    f"A pipeline whose jobs write property files of {', '.join(map(str, _SIZES_MB))} MB, and a Condition on each.",
    "Amazon SageMaker developer guide, 'Pass data between steps', 'Property files'",
)
VPC = Assumption(
    "vpc-job",
    "A processing job with the configured role starts in `aws.network.subnets`.",
    "SageMaker checks the role's EC2 permissions when it makes the job; a policy with conditions fails that.",
    "One processing job in the configured subnets, which does nothing.",
    "Amazon SageMaker developer guide, 'CreateProcessingJob API: Execution role permissions'",
)
#: On one line and within the 256 characters that a container's entry point may have.
_WRITE = (
    "import json, pathlib, sys; "
    "text = json.dumps({'value': 1, 'filler': 'x' * (int(sys.argv[1]) * 1000000)}); "
    "pathlib.Path(sys.argv[2], 'facts.json').write_text(text)"
)
_OUTPUT = "/opt/ml/processing/output/facts"


def _sizes(bench: Workbench) -> Iterator[Verdict]:
    sagemaker, name = bench.client("sagemaker"), bench.name("property-files")
    bench.keep_prefix()
    definition = json.dumps(property_file_definition(bench, bench.allotment.seconds[_FILE.use] // len(_SIZES_MB)))
    request = {
        "PipelineName": name, "PipelineDefinition": definition, "RoleArn": bench.config.aws.role, "Tags": bench.tags
    }  # fmt: skip
    with prerequisite():
        bench.create("pipeline", name, lambda: sagemaker.create_pipeline(**request))
        bench.allotment.begin(_FILE.use)
        arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    bench.wait(
        "the execution",
        lambda: dict(sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)),
        "PipelineExecutionStatus",
        RUNNING,
        bench.allotment.seconds[_FILE.use] + _OVERHEAD_SECONDS,
    )
    found = {step["StepName"]: step for step in steps(bench.config.aws.region, arn)}
    jobs = [transition(step).job for step in found.values()]
    described = [sagemaker.describe_processing_job(ProcessingJobName=job) for job in jobs if job]
    bench.allotment.ran(_FILE.use, sum(job_seconds("Processing", job) for job in described))
    read = [size for size in _SIZES_MB if found.get(f"Read{size}", {}).get("StepStatus") == "Succeeded"]
    reasons = "; ".join(step["FailureReason"] for step in found.values() if step.get("FailureReason"))
    if _SIZES_MB[0] in read:
        limits = f"; not read: {reasons}" if reasons else ""
        yield held(FILE_SIZE, f"read: {', '.join(f'{size} MB' for size in read)}{limits}")
    elif found.get(f"Read{_SIZES_MB[0]}", {}).get("StepStatus") == "Failed":
        yield broke(FILE_SIZE, f"a property file of {_SIZES_MB[0]} MB was not read", reasons)
    else:
        raise NotTriedError(f"the Condition was not reached: {reasons}")


def property_file_definition(bench: Workbench, seconds: int) -> dict[str, Any]:
    """Return a definition with a job and a Condition for each size."""
    written: list[dict[str, Any]] = []
    for size in _SIZES_MB:
        step = {
            "Name": f"Write{size}",
            "Type": "Processing",
            "Arguments": {
                **processing_job(bench, [str(size), _OUTPUT], seconds),
                "ProcessingOutputConfig": {
                    **bench.output_key,
                    "Outputs": [
                        {
                            "OutputName": "facts",
                            "AppManaged": False,
                            "S3Output": {
                                "S3Uri": bench.uri(f"property-files/{size}"),
                                "LocalPath": _OUTPUT,
                                "S3UploadMode": "EndOfJob",
                            },
                        }
                    ],
                },
            },
            "PropertyFiles": [{"PropertyFileName": "Facts", "OutputName": "facts", "FilePath": "facts.json"}],
        }
        value = {
            "Std:JsonGet": {"PropertyFile": {"Get": f"Steps.Write{size}.PropertyFiles.Facts"}, "Path": "value"}
        }  # fmt: skip
        test = {"Type": "Equals", "LeftValue": value, "RightValue": 1}
        condition = {"Conditions": [test], "IfSteps": [], "ElseSteps": [_stop(size)]}
        written += [step, {"Name": f"Read{size}", "Type": "Condition", "Arguments": condition}]
    return {"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": written}


def _stop(size: int) -> dict[str, Any]:
    return {"Name": f"Other{size}", "Type": "Fail", "Arguments": {"ErrorMessage": f"{size} MB: another value"}}


def processing_job(bench: Workbench, arguments: list[Any], seconds: int, code: str = _WRITE) -> dict[str, Any]:
    """Return the members of a processing job that runs Python code, without its inputs and outputs."""
    from pipeline import sdk  # noqa: F401  (first: the SDK can't be imported without a region)
    from steps.processing import processing_image_uri

    return {
        "RoleArn": bench.config.aws.role,
        "AppSpecification": {
            "ImageUri": processing_image_uri(bench.config.processing, bench.config.aws.region),
            "ContainerEntrypoint": ["python3", "-c", code],
            "ContainerArguments": arguments,
        },
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": _INSTANCE, "InstanceCount": 1, "VolumeSizeInGB": 5}
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": max(1, seconds)},
    }  # fmt: skip


def _vpc(bench: Workbench) -> Iterator[Verdict]:
    network = bench.config.aws.network
    if not network.subnets:
        raise NotTriedError("aws.network.subnets is not set")
    vpc = {"Subnets": network.subnets, "SecurityGroupIds": network.security_groups}
    request = processing_job(bench, ["0", "/tmp"], 0)  # noqa: S108 - of the job's container
    described = bench.run_job(
        "Processing",
        _IN_VPC.use,
        {**request, "ProcessingJobName": bench.name("vpc"), "NetworkConfig": {"VpcConfig": vpc}},
    )
    if described["ProcessingJobStatus"] == "Completed":
        yield held(VPC, "the job ran in the configured subnets")
    else:
        yield broke(VPC, f"the job is {described['ProcessingJobStatus']}", described.get("FailureReason", ""))


PROPERTY_FILES = Trial(
    "property-files",
    (FILE_SIZE,),
    ("a pipeline and one execution", "3 processing jobs", "3 JSON files in S3"),
    _sizes,
    (_FILE,),
)
VPC_JOB = Trial("vpc", (VPC,), ("a processing job",), _vpc, (_IN_VPC,))
