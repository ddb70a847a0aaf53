"""The Deploy job: updates an endpoint to the version that it should serve, and reports the outcome.

It decides when it runs, from the registry, and not from the event that started it: so several events for one approval
deploy once, and events out of order end the same. It does what a pipeline's own EndpointConfig and Endpoint steps
can't: shifting traffic in steps, rollback on alarms, several variants, autoscaling, cleaning up after a failure.
"""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groundloop.aws import core_session, error_code, error_message
from groundloop.errors import UserError
from groundloop.models.desired_endpoint import desired_endpoint
from groundloop.models.rollout import BusyError, Rollout
from groundloop.models.version_selection import (
    ServedVariant,
    VersionDecision,
    approval_status,
    decide_on_champion,
    decide_on_status_change,
    requested_version,
    served_variants,
    version_of,
)
from steps import jobs
from steps.deploy.arguments import LATEST_APPROVED, NO_CHANGE
from steps.jobs import say


def parse(argv: Sequence[str] | None) -> Namespace:
    """Parse the arguments; every path has SageMaker's own as its default."""
    parser = ArgumentParser(prog="deploy", description=__doc__)
    parser.add_argument("--region", required=True)
    parser.add_argument("--endpoint", required=True, help="created, or updated when it exists")
    parser.add_argument("--instance-type", default="", help="instance type of the variants that name none")
    parser.add_argument("--package", default=LATEST_APPROVED, help=f"ARN of a version, or {LATEST_APPROVED}")
    parser.add_argument("--changed", default=NO_CHANGE, help="ARN of the version whose approval status has changed")
    parser.add_argument("--any-status", action="store_true", help="deploy --package though it isn't approved")
    parser.add_argument(
        "--specification", action="append", default=[], help="JSON; repeat it for the parts of a long one"
    )
    parser.add_argument("--output", type=Path, default=Path("/opt/ml/processing/output/deployment"))
    jobs.add_message_file(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return 0 when the endpoint serves the version that it should, else 1."""
    arguments = parse(argv)
    return jobs.run(lambda: deploy(arguments), arguments.message_file)


def deploy(arguments: Namespace) -> None:
    """Update the endpoint and write deployment.json.

    Raises:
        UserError: there is nothing to deploy, AWS rejects a request, or the update failed and was rolled back.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    from groundloop.models.autoscaling import Scaling

    client = core_session(arguments.region).create_client
    scaling = Scaling(client("application-autoscaling"), client("cloudwatch"), arguments.endpoint)
    specification = json.loads("".join(arguments.specification))
    # The offline AWS answers at once, and its endpoints come up in a second.
    poll = 0.2 if "AWS_ENDPOINT_URL" in os.environ else 15.0
    rollout = Rollout(client("sagemaker"), scaling, arguments.endpoint, specification, say, poll)
    try:
        outcome = reconcile(rollout, arguments)
    except ClientError as error:
        details = f"{error_code(error)}: {error_message(error)}"
        raise UserError(f"AWS refused {error.operation_name}: {details}") from None
    except BotoCoreError as error:
        raise UserError(f"AWS can't be asked: {error}") from None
    say(outcome["outcome"])
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "deployment.json").write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")


def reconcile(rollout: Rollout, arguments: Namespace) -> dict[str, Any]:
    """Update the endpoint to the version that it should serve; return the content of deployment.json."""
    sagemaker, group = rollout.sagemaker, rollout.specification["group"]
    while True:
        before = rollout.wait_until_stable()
        if before is not None and before["EndpointStatus"] == "Failed":
            # AWS can't update an endpoint that never came up, and it serves nobody.
            say(f"endpoint {rollout.endpoint} failed ({before.get('FailureReason', 'no reason')}); it is created again")
            rollout.delete()
            before = None
        serving = served_variants(sagemaker, before["EndpointConfigName"], group) if before else []
        decision = _decide(sagemaker, group, arguments, serving)
        say(decision.reason)
        if decision.package is None:
            return _outcome(rollout, before, serving, "left as it is: " + decision.reason)
        specification = _approved_only(sagemaker, rollout.specification)
        target = desired_endpoint(specification, rollout.endpoint, decision.package, arguments.instance_type)
        number = version_of(decision.package)
        if before is not None and before["EndpointConfigName"] == target.name:
            warning = rollout.scale(target)
            outcome = f"endpoint {rollout.endpoint} serves version {number} already"
            return _outcome(rollout, before, serving, "; ".join(filter(None, [outcome, warning])))
        try:
            warning = rollout.roll_out(target, before)
        except BusyError:
            say("another deployment of this endpoint has started: waiting for it, then deciding again")
            continue
        except UserError as error:
            raise UserError(f"{error}; {_still(serving)}") from None
        after = rollout.wait_until_stable()
        assert after is not None  # noqa: S101 (roll_out has seen it serve)
        serving = served_variants(sagemaker, after["EndpointConfigName"], group)
        outcome = f"endpoint {rollout.endpoint} serves version {number}"
        return _outcome(rollout, after, serving, "; ".join(filter(None, [outcome, warning])))


def _decide(sagemaker: Any, group: str, arguments: Namespace, serving: list[ServedVariant]) -> VersionDecision:
    if arguments.changed != NO_CHANGE:
        return decide_on_status_change(sagemaker, group, arguments.changed, serving)
    if arguments.package == LATEST_APPROVED:
        return decide_on_champion(sagemaker, group)
    return requested_version(sagemaker, arguments.package, any_status=arguments.any_status)


def _approved_only(sagemaker: Any, specification: dict[str, Any]) -> dict[str, Any]:
    """Return the specification without the additional variants whose version isn't approved, or no longer."""
    main, *others = specification["variants"]
    kept = []
    for variant in others:
        status = approval_status(sagemaker, variant["Package"])
        if status == "Approved":
            kept.append(variant)
        else:
            say(f"variant {variant['VariantName']} is left out: version {version_of(variant['Package'])} is {status}")
    return {**specification, "variants": [main, *kept]}


def _still(serving: list[ServedVariant]) -> str:
    packages = [variant.package for variant in serving if variant.package]
    if not serving:
        return "there is no endpoint now"
    return f"it still serves version {version_of(packages[0])}" if packages else "it serves what it served before"


def _outcome(
    rollout: Rollout, endpoint: dict[str, Any] | None, serving: list[ServedVariant], outcome: str
) -> dict[str, Any]:
    return {
        "endpoint": rollout.endpoint,
        "config": endpoint["EndpointConfigName"] if endpoint else None,
        "variants": [{"variant": item.variant, "package": item.package, "weight": item.weight} for item in serving],
        "outcome": outcome,
    }


if __name__ == "__main__":
    raise SystemExit(main())
