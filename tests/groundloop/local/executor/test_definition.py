"""Definitions: what is parsed, and what is refused when a pipeline is created."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundloop.local.executor.definition import parse
from groundloop.local.executor.parameters import DefinitionError, cast
from groundloop.local.executor.policies import cache_expiry, retry_policies
from groundloop.spec.definition import Parameter, PropertyFile
from groundloop.spec.graph import predecessors


def text(*steps: Any, **top: Any) -> str:
    return json.dumps({"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": list(steps), **top})


def fail(name: str = "Stop", **members: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": "no"}, **members}


def condition(name: str, then: list[Any], otherwise: list[Any], query: Any = 1) -> dict[str, Any]:
    conditions = [{"Type": "Equals", "LeftValue": query, "RightValue": 1}]
    return {
        "Name": name,
        "Type": "Condition",
        "Arguments": {"Conditions": conditions, "IfSteps": then, "ElseSteps": otherwise},
    }


def test_steps_of_branches_are_steps_that_wait_for_their_condition() -> None:
    inner = {**condition("Inner", [fail("Deep")], []), "DependsOn": ["Then"]}
    outer = condition("Outer", [fail("Then")], [fail("Else")], {"Get": "Steps.First.x"})
    definition = parse(text(fail("First"), outer, inner))
    assert [step.name for step in definition.steps] == ["First", "Outer", "Then", "Else", "Inner", "Deep"]
    assert definition.steps_by_name["Deep"].branch == ("Inner", "IfSteps")
    assert definition.steps_by_name["Else"].branch == ("Outer", "ElseSteps")
    assert predecessors(definition) == {
        "First": [],
        "Outer": ["First"],
        "Then": ["Outer"],
        "Else": ["Outer"],
        "Inner": ["Then"],
        "Deep": ["Inner"],
    }


def test_dependencies_are_those_said_and_those_implied() -> None:
    message = {"Std:Join": {"On": "", "Values": [{"Get": "Steps.B.Arn"}, {"Get": "Execution.PipelineName"}]}}
    step = fail("C", DependsOn=["A"], Arguments={"ErrorMessage": message})
    assert predecessors(parse(text(fail("A"), fail("B"), step)))["C"] == ["A", "B"]


def test_what_a_step_may_have_is_read() -> None:
    step = {
        "Name": "Train",
        "Type": "Processing",
        "DisplayName": "Train the detector",
        "Description": "why",
        "Arguments": {},
        "CacheConfig": {"Enabled": True, "ExpireAfter": "p30d"},
        "PropertyFiles": [{"PropertyFileName": "P", "OutputName": "o", "FilePath": "p.json"}],
        "RetryPolicies": [
            {
                "ExceptionType": ["SageMaker.CAPACITY_ERROR"],
                "IntervalSeconds": 5,
                "BackoffRate": 1.5,
                "MaxAttempts": 3,
            },
            {"ExceptionType": ["Step.THROTTLING"], "ExpireAfterMin": 10},
        ],
    }
    read = parse(text(step, MlflowConfig=None, PipelineExperimentConfig={})).steps_by_name["Train"]
    assert cache_expiry(read.raw["CacheConfig"]) == timedelta(days=30)
    assert read.property_files == {"P": PropertyFile("o", "p.json")}
    retries = retry_policies(read.raw["RetryPolicies"])
    assert [(r.interval, r.backoff, r.attempts, r.minutes) for r in retries] == [
        (5, 1.5, 3, None),
        (1, 2, None, 10),
    ]


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        pytest.param("not json", "is not JSON", id="not JSON"),
        pytest.param("[]", "is not a JSON object", id="not an object"),
        pytest.param(text(fail(), Version="2021-01-01"), "Version '2021-01-01' is not '2020-12-01'", id="version"),
        pytest.param(text(fail(), Extra=1), "the definition has unknown keys: Extra", id="key at the top"),
        pytest.param(text(), "Steps is missing or empty", id="no step"),
        pytest.param(text(fail(), fail()), "the step name Stop is used twice", id="name twice"),
        pytest.param(
            text(fail("A"), condition("B", [], [fail("A")])),
            "the step name A is used twice",
            id="name twice in a branch",
        ),
        pytest.param(
            text(condition("A", [], [condition("B", [fail()], [])])),
            "step B: a Condition step in a branch of the Condition step A; nested Condition steps are not supported",
            id="nested conditions",
        ),
        pytest.param(text(fail("a b")), "a step's Name must be of the form", id="name"),
        pytest.param(text(fail(Type=["Fail"])), "step Stop: unknown Type ['Fail']", id="type that is not a string"),
        pytest.param(text(fail(Type="Teleport")), "step Stop: unknown Type 'Teleport'", id="type"),
        pytest.param(text(fail(RetryPolicies=[])), "step Stop has unknown keys: RetryPolicies", id="key of a step"),
        pytest.param(text({"Name": "A", "Type": "Model"}), "step A: Arguments is missing", id="no arguments"),
        pytest.param(text(fail(DependsOn=3)), "step Stop: DependsOn is not a list of names", id="dependencies"),
        pytest.param(
            text(fail(), Parameters=[{"Name": "P", "Type": "String", "EnumValues": 3}]),
            "parameter P: EnumValues is not a list",
            id="enum of another type",
        ),
        pytest.param(text(fail(DependsOn=["Z"])), "DependsOn names an unknown step Z", id="dependency"),
        pytest.param(text(fail(DependsOn=[3])), "step Stop: DependsOn[0] names no step", id="dependency's name"),
        pytest.param(
            text(fail("A"), fail("B", DependsOn=[{"Step": "A", "Trigger": "Failure"}])),
            "DependsOn[0]: Trigger 'Failure' is none of Completed, Failed, Stopped, Any",
            id="trigger",
        ),
        pytest.param(
            text(fail("A"), fail("B", DependsOn=["A", {"Step": "A", "Trigger": "Any"}])),
            "DependsOn names A with two triggers, Completed and Any",
            id="two triggers",
        ),
        pytest.param(
            text(fail(Arguments={"ErrorMessage": {"Get": "Steps.Z.Arn"}})), "refers to an unknown step", id="step"
        ),
        pytest.param(
            text(fail(Arguments={"ErrorMessage": {"Get": "Parameters.Z"}})),
            "Parameters.Z refers to an undeclared parameter",
            id="parameter",
        ),
        pytest.param(
            text(fail(Arguments={"ErrorMessage": {"Get": "Params.Z"}})), "neither of Parameters, nor Steps", id="space"
        ),
        pytest.param(
            text(fail("A", DependsOn=["B"]), fail("B", DependsOn=["A"])),
            "A, B depend on each other in a circle",
            id="cycle",
        ),
        pytest.param(
            text(fail(), Parameters=[{"Name": "P", "Type": "Number"}]),
            "parameter P: Type 'Number'",
            id="parameter type",
        ),
        pytest.param(
            text(fail(), Parameters=[{"Name": "P", "Type": "Integer", "DefaultValue": "x"}]),
            "parameter P: 'x' is not of type Integer",
            id="default of another type",
        ),
        pytest.param(
            text(fail(), Parameters=[{"Name": "P", "Type": "String", "DefaultValue": "x", "EnumValues": ["y"]}]),
            "parameter P: 'x' is not one of y",
            id="default outside the enum",
        ),
        pytest.param(
            text(fail(), Parameters=[{"Name": "P", "Type": "String"}] * 2), "P is declared twice", id="parameter twice"
        ),
        pytest.param(
            text(
                {"Name": "A", "Type": "Model", "Arguments": {}, "CacheConfig": {"Enabled": True, "ExpireAfter": "soon"}}
            ),
            "step A: 'soon' is not an ISO 8601 duration",
            id="expiry",
        ),
        pytest.param(
            text({"Name": "A", "Type": "Model", "Arguments": {}, "RetryPolicies": [{"ExceptionType": ["x"]}]}),
            "step A: a retry policy has either MaxAttempts or ExpireAfterMin",
            id="retry policy",
        ),
        pytest.param(
            text({"Name": "A", "Type": "Processing", "Arguments": {}, "PropertyFiles": [{"OutputName": "o"}]}),
            "step A: malformed PropertyFiles",
            id="property file",
        ),
    ],
)
def test_a_faulty_definition_is_refused_and_the_place_named(definition: str, message: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse(definition)
    assert message in str(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
        max_leaves=20,
    )
)
def test_any_json_is_parsed_or_refused(value: Any) -> None:
    for definition in (json.dumps(value), text(value), text(fail(), Parameters=[value])):
        with pytest.raises(DefinitionError):
            parse(definition)


@pytest.mark.parametrize(
    ("kind", "given_value", "expected"),
    [
        pytest.param("Integer", "3", 3, id="integer from text"),
        pytest.param("Integer", 3, 3, id="integer"),
        pytest.param("Integer", 3.0, 3, id="integer as JSON may write it"),
        pytest.param("Float", "0.5", 0.5, id="float from text"),
        pytest.param("Boolean", "true", True, id="boolean from text"),
        pytest.param("Boolean", False, False, id="boolean"),
        pytest.param("String", "3", "3", id="string"),
    ],
)
def test_values_are_cast_to_the_parameters_type(kind: str, given_value: Any, expected: Any) -> None:
    made = cast(Parameter("P", kind), given_value)
    assert (made, type(made)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("Integer", "3.5"),
        ("Integer", True),
        ("Integer", 3.5),
        ("Float", "x"),
        ("Float", "nan"),
        ("Integer", float("inf")),
        ("Boolean", "yes"),
        ("String", 3),
    ],
)
def test_values_of_another_type_are_refused(kind: str, value: Any) -> None:
    with pytest.raises(DefinitionError, match=f"is not of type {kind}"):
        cast(Parameter("P", kind), value)
