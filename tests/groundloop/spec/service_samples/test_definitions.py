"""The parser, the checker and the offline executor read definitions that were made in other ways than ours."""

from __future__ import annotations

import pytest

from groundloop.check import DefinitionCode, check_definition
from groundloop.local.executor.definition import parse
from groundloop.spec.definition import parse_definition
from tests.groundloop.spec.service_samples.samples import DEFINITIONS, definition, definition_text

STEPS = {
    "sdk_v2_export": 8,
    "terraform_transform": 3,
    "terraform_vpc": 3,
    "cdk_job_names": 3,
    "lambda_monitoring": 5,
    "feature_processor": 1,
    "builtin_vision": 2,
    "step_decorator": 4,
    "nested_conditions": 4,
}
#: Findings that are true: a String is compared with a Boolean, a step depends on a Condition, the innermost Condition
#: decides nothing, a plain start lacks a value, and nothing refers to a parameter. The guide supports no Condition in a
#: Condition; that such a definition is accepted all the same is what `nested_conditions` shows.
TRUE_FINDINGS: dict[str, list[tuple[str, str | None]]] = {
    "lambda_monitoring": [
        ("after-condition", "DeployEndpoint"),
        ("condition-types", "MonitorChoice"),
        ("nested-condition", "MonitorChoice"),
    ],
    "feature_processor": [("no-default", None), ("unused-parameter", None)],
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
    assert sorted(found, key=str) == sorted(TRUE_FINDINGS.get(name, []), key=str)


@pytest.mark.parametrize("name", sorted(DEFINITIONS - {"lambda_monitoring", "nested_conditions"}))
def test_the_offline_executor_takes_it(name: str) -> None:
    assert len(parse(definition_text(name)).steps) == STEPS[name]


def test_a_condition_that_the_service_cannot_parse_is_an_error() -> None:
    """CreatePipeline answers "Cannot parse object, unknown property 'Expression'" (sagemaker-python-sdk, 2746)."""
    changed = definition("step_decorator")
    [inverted, *_] = changed["Steps"][2]["Arguments"]["Conditions"]
    inverted["Expression"] = inverted.pop("Condition")
    paths = {finding.path for finding in check_definition(changed) if finding.code is DefinitionCode.BAD_CONDITION}
    assert "Arguments.Conditions[0].Expression" in paths
