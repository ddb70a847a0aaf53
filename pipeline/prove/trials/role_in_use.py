"""Whether the role of the whole pipeline's run is the printed one, and whether it was enough."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from groundloop.aws import error_message
from groundloop.executions.control import transition
from pipeline.doctor.role_policy import trust_policy
from pipeline.prove.probe_config import role_config
from pipeline.prove.trials.permissions import printed_policy
from pipeline.prove.verdict import Assumption, Verdict, broke, held, not_tried
from pipeline.prove.workbench import Workbench

ROLE = Assumption(
    "run-printed-role",
    "The role of `groundloop prove --policy`, and no more, is enough for a whole execution.",
    "Simulation knows no service that asks for more than its guide says, such as experiments or log groups.",
    "The pipeline of the trial pipeline-run ends; the role has just that policy, and nothing was denied.",
    "Amazon SageMaker developer guide, 'How to use SageMaker execution roles'",
)
TRUST = Assumption(
    "run-trust",
    "A trust policy with aws:SourceAccount alone lets the pipeline service and its jobs assume the role.",
    "Some pages show aws:SourceArn too; with a condition that AWS does not send, nothing starts.",
    "The pipeline of the trial pipeline-run ends; the role has the printed trust policy, and the first job started.",
    "Amazon SageMaker developer guide, 'Cross-service confused deputy prevention'",
)


def differences(bench: Workbench) -> dict[Assumption, str]:
    """Say what of the account's role differs from the printed policies; empty texts: nothing."""
    try:
        inline, attached, trust = _role_in_use(bench)
    except ClientError as error:
        return dict.fromkeys((ROLE, TRUST), f"these credentials can't read the role: {error_message(error)}")
    printed = json.loads(printed_policy(role_config(bench.config)))
    differs = attached or inline != [printed]
    fitting = "as `groundloop prove --policy` prints it"
    return {
        ROLE: f"the role has other policies, or more; give it just the one {fitting}" if differs else "",
        TRUST: "" if trust == trust_policy(role_config(bench.config)) else f"the role's trust policy is not {fitting}",
    }


def _role_in_use(bench: Workbench) -> tuple[list[Any], bool, Any]:
    """Read the role: its inline policies, whether others are attached, and its trust policy."""
    iam, name = bench.client("iam"), bench.config.aws.role.rsplit("/", 1)[-1]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    inline = [
        iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
    ]
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    return inline, bool(attached), trust


def role_verdicts(found: dict[str, dict[str, Any]], granted: dict[Assumption, str]) -> Iterator[Verdict]:
    """Return the verdicts on the role and on its trust policy, from the steps of the execution."""
    reasons = [step.get("FailureReason", "") for step in found.values()]
    denied = [reason for reason in reasons if re.search("AccessDenied|not authorized|AccessDeniedException", reason)]
    ended = bool(found) and all(step["StepStatus"] in {"Succeeded", "Failed"} for step in found.values())
    registered = found.get("Register", {}).get("StepStatus") == "Succeeded"
    for assumption, reached in ((ROLE, registered), (TRUST, bool(_job_names(found)))):
        if granted[assumption]:
            yield not_tried(assumption, granted[assumption])
        elif denied:
            yield broke(assumption, "a step was denied something", denied[0])
        elif reached and ended:
            yield held(assumption, "nothing was denied")
        else:
            yield not_tried(assumption, "the execution did not get so far")


def _job_names(found: dict[str, dict[str, Any]]) -> list[str]:
    return [name for name in (transition(step).job for step in found.values()) if name]
