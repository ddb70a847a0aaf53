"""The types of steps that the service has, and the variables of an execution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class StepType:
    """A type of step.

    Attributes:
        operation: what its Arguments are a request of; None if they have no shape in the model.
        answers: operations whose answers its properties are shaped like; empty if they have no shape in the model.
        properties: further properties by name, with their types (None: unknown).
        open_properties: it has properties of which nothing is known here.
        keys: what a step of this type may have beside the keys of all steps.
    """

    operation: str | None = None
    answers: tuple[str, ...] = ()
    properties: Mapping[str, str | None] = field(default_factory=dict)
    open_properties: bool = False
    keys: frozenset[str] = frozenset()
    cached: bool = False
    retried: bool = False


_BASELINES = {
    "CalculatedBaselineConstraints": "String",
    "CalculatedBaselineStatistics": "String",
    "BaselineUsedForDriftCheckConstraints": "String",
    "BaselineUsedForDriftCheckStatistics": "String",
}
_CHECK_KEYS = frozenset(
    {
        "CheckType", "ModelPackageGroupName", "SkipCheck", "FailOnViolation", "RegisterNewBaseline",
        "SuppliedBaselineStatistics", "SuppliedBaselineConstraints", "ModelName",
    }
)  # fmt: skip

#: The types that the SDK 3.27 can make, with the keys that it writes.
STEP_TYPES: Mapping[str, StepType] = {
    "Processing": StepType(
        "CreateProcessingJob",
        ("DescribeProcessingJob",),
        keys=frozenset({"PropertyFiles"}),
        cached=True,
        retried=True,
    ),
    "Training": StepType("CreateTrainingJob", ("DescribeTrainingJob",), cached=True, retried=True),
    "Tuning": StepType(
        "CreateHyperParameterTuningJob",
        ("DescribeHyperParameterTuningJob", "ListTrainingJobsForHyperParameterTuningJob"),
        cached=True,
        retried=True,
    ),
    "Transform": StepType("CreateTransformJob", ("DescribeTransformJob",), cached=True, retried=True),
    "Model": StepType("CreateModel", ("DescribeModel",), retried=True),
    "RegisterModel": StepType("CreateModelPackage", ("DescribeModelPackage",), retried=True),
    "EndpointConfig": StepType("CreateEndpointConfig", ("DescribeEndpointConfig",), cached=True, retried=True),
    "Endpoint": StepType("CreateEndpoint", ("DescribeEndpoint",), cached=True),
    "InferenceComponent": StepType("CreateInferenceComponent", ("DescribeInferenceComponent",)),
    "AutoML": StepType(
        "CreateAutoMLJob",
        ("DescribeAutoMLJob",),
        properties={"BestCandidateProperties": None},
        cached=True,
        retried=True,
    ),
    "Job": StepType("CreateJob", ("DescribeJob",), properties={"JobConfigDocument": None}, cached=True, retried=True),
    "QualityCheck": StepType("CreateProcessingJob", properties=_BASELINES, keys=_CHECK_KEYS, cached=True),
    "ClarifyCheck": StepType("CreateProcessingJob", properties=_BASELINES, keys=_CHECK_KEYS, cached=True),
    "Lambda": StepType(keys=frozenset({"FunctionArn", "OutputParameters"}), cached=True),
    "Callback": StepType(keys=frozenset({"SqsQueueUrl", "OutputParameters"}), cached=True),
    "Condition": StepType(properties={"Outcome": "String"}),
    "Fail": StepType(),
    "ForEach": StepType(
        properties={
            "Status": "String",
            "InputItemCount": "Integer",
            "TotalStepCount": "Integer",
            "SucceededStepCount": "Integer",
            "FailedStepCount": "Integer",
            "StoppedStepCount": "Integer",
            "IterationOutputs": None,
            "Selected": None,
        }
    ),
    "EMR": StepType(open_properties=True, cached=True),
    "EMRServerless": StepType(open_properties=True, cached=True, retried=True),
    "Lineage": StepType(open_properties=True, retried=True),
    "Cleanup": StepType(),
}

#: What the service names itself, for each execution.
NAMED_BY_SERVICE = frozenset(
    {
        "TrainingJobName", "ProcessingJobName", "TransformJobName", "ModelName", "HyperParameterTuningJobName",
        "EndpointConfigName", "EndpointName", "CompilationJobName", "AutoMLJobName", "InferenceComponentName",
        "JobName",
    }
)  # fmt: skip

#: Variables of an execution, each a string. With a value of the usual form, where its length matters.
EXECUTION_VARIABLES: Mapping[str, str | None] = {
    "PipelineName": None,
    "PipelineArn": None,
    "PipelineExecutionArn": None,
    "PipelineExecutionId": "abcdefghij12",
    "StartDateTime": "2026-01-02T03:04:05.678Z",
    "CurrentDateTime": "2026-01-02T03:04:05.678Z",
    "TrainingJobName": None,
    "ProcessingJobName": None,
}
