"""What a person has to try: it bills until somebody deletes it, or needs something that the account may lack."""

from __future__ import annotations

from pipeline.prove.trial import Trial
from pipeline.prove.verdict import Assumption

_GUIDE = "Amazon SageMaker developer guide, "

ASYNCHRONOUS = Assumption(
    "hand-async-endpoint",
    "The algorithm's image serves on an asynchronous endpoint that is asked with application/x-image.",
    "`deploy.endpoint.async_inference` would come into service and fail every request.",
    "`groundloop deploy` with async_inference, then `groundloop predict`; about $0.05 of ml.m5.large, then "
    "`groundloop destroy`.",
    _GUIDE + "'Asynchronous inference'",
)
AUTOSCALING = Assumption(
    "hand-autoscaling",
    "The printed role may register the endpoint for target tracking, down to the alarms that this makes.",
    "A new version would serve without scaling; simulation doesn't see what Application Auto Scaling calls for it.",
    "`groundloop deploy` with autoscaling; about $0.05 of ml.m5.large, then `groundloop destroy`.",
    _GUIDE + "'Automatic scaling policy prerequisites'",
)
ROLLOUT = Assumption(
    "hand-canary",
    "UpdateEndpoint takes the canary and linear DeploymentConfig that the Deploy job sends.",
    "Every update would be refused once `deploy.rollout.traffic` is set.",
    "`groundloop deploy` twice with traffic canary and two instances; about $0.20 of ml.m5.large, then "
    "`groundloop destroy`.",
    _GUIDE + "'Deployment guardrails'",
)
INSTANCE_LISTS = Assumption(
    "hand-instance-lists",
    "A version may be served on an instance type that its package doesn't list.",
    "`EndpointInstanceType` in Studio takes any type; the page says that the lists are checked for Marketplace.",
    "`groundloop deploy` with deploy.endpoint.instance_type ml.m5.large, which the package lacks; about $0.05.",
    "Amazon SageMaker API reference, 'InferenceSpecification'",
)
CLOSED_VPC = Assumption(
    "hand-closed-vpc",
    "In subnets without a way to the internet the jobs reach all that they need through VPC endpoints.",
    "Evaluate's comparison and the Deploy job call SageMaker's API, and would time out.",
    "The whole pipeline with `aws.network` set to such subnets, after `groundloop doctor`; about $0.20.",
    _GUIDE + "'Connect to SageMaker within your VPC'",
)
SPARK = Assumption(
    "hand-spark",
    "Prepare runs on a cluster of SageMaker's Spark image.",
    "`processing.engine: spark` would fail at its first step.",
    "The whole pipeline with `processing.engine: spark`; about $0.20, the second instance included.",
    "aws/sagemaker-spark-container, 'README'",
)
STOPPED_TRAINING = Assumption(
    "hand-stopped-training",
    "A step whose training job is stopped fails, and the description of an execution that runs can be changed.",
    "`training.watch.stop_on` would leave an execution that goes on, or one that doesn't say why it ended.",
    "StopTrainingJob during Train, then `groundloop watch`; the instance's minutes until then.",
    "Amazon SageMaker API reference, 'StopTrainingJob' and 'UpdatePipelineExecution'",
)

ENDPOINTS = Trial(
    "by-hand-endpoints",
    (ASYNCHRONOUS, AUTOSCALING, ROLLOUT, INSTANCE_LISTS),
    ("an endpoint on instances",),
    lambda _: iter(()),
    by_hand="an endpoint on instances is billed until it is deleted, which no stopping condition does: try it by hand",
)
JOBS = Trial(
    "by-hand-jobs",
    (CLOSED_VPC, SPARK),
    ("an execution of the configured pipeline",),
    lambda _: iter(()),
    by_hand="it needs the configured network or cluster: try it by hand",
)
WATCH = Trial(
    "by-hand-watch",
    (STOPPED_TRAINING,),
    ("an execution of the configured pipeline",),
    lambda _: iter(()),
    by_hand="it needs a training job that lasts long enough to be stopped: try it by hand",
)
