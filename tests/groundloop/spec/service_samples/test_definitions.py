"""The parser, the checker and the offline executor read definitions that were made in other ways than ours."""

from __future__ import annotations

import pytest

from groundloop.check import check_definition
from groundloop.local.executor.definition import parse
from groundloop.spec.definition import parse_definition
from tests.groundloop.spec.service_samples.samples import DEFINITIONS, definition, definition_text

STEPS = {
    "sdk_v2_export": 8,
    "terraform_transform": 3,
    "terraform_vpc": 3,
    "cdk_job_names": 3,
    "lambda_monitoring": 5,
    "nested_conditions": 4,
}
#: Findings that are true: the guide supports no Condition in a Condition, a String is compared with a Boolean, a step
#: depends on a Condition, and the innermost Condition decides nothing.
TRUE_FINDINGS = {
    "lambda_monitoring": [
        ("after-condition", "DeployEndpoint"),
        ("condition-types", "MonitorChoice"),
        ("nested-condition", "MonitorChoice"),
    ],
    "nested_conditions": [
        ("nested-condition", "Dummy2"),
        ("nested-condition", "Dummy3"),
        ("nested-condition", "Dummy4"),
        ("idle-condition", "Dummy4"),
    ],
}


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_every_step_is_read(name: str) -> None:
    document, faults = parse_definition(definition(name))
    assert (len(document.steps), faults) == (STEPS[name], [])


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_there_is_no_false_finding(name: str) -> None:
    found = [(finding.code.value, finding.step) for finding in check_definition(definition(name))]
    assert sorted(found) == sorted(TRUE_FINDINGS.get(name, []))


@pytest.mark.parametrize("name", sorted(DEFINITIONS - TRUE_FINDINGS.keys()))
def test_the_offline_executor_takes_it(name: str) -> None:
    assert len(parse(definition_text(name)).steps) == STEPS[name]
