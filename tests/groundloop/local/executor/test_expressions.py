"""Get, Std:Join, Std:JsonGet, and the conditions made of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundloop.local.errors import JobError
from groundloop.local.executor.conditions import all_hold, holds
from groundloop.local.executor.definition import parse
from groundloop.local.executor.expressions import ResolveError, Resolver, follow
from groundloop.spec.expressions import tokens

DEFINITION = parse(
    json.dumps(
        {
            "Version": "2020-12-01",
            "Parameters": [{"Name": "Limit", "Type": "Float"}],
            "Steps": [
                {
                    "Name": "Evaluate",
                    "Type": "Processing",
                    "Arguments": {},
                    "PropertyFiles": [
                        {"PropertyFileName": "Metrics", "OutputName": "out", "FilePath": "sub/metrics.json"}
                    ],
                }
            ],
        }
    )
)
OUTPUTS = {
    "Evaluate": {
        "ProcessingJobName": "job",
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": {"S3Uri": "s3://b/out"}}]},
    }
}
FIGURES = {"map": 0.5, "name": "best", "per_class": {"red cell": {"ap": 1}}, "list": [{"a": 1}, {"a": 2}], "flag": True}


def read(uri: str) -> bytes:
    if uri == "s3://b/out/sub/metrics.json":
        return json.dumps(FIGURES).encode()
    if uri == "s3://b/broken":
        return b"{"
    raise JobError("ClientError", f"the S3 object {uri} does not exist")


RESOLVER = Resolver(DEFINITION, {"Limit": 0.4, "On": True}, {"PipelineName": "p"}, OUTPUTS, read)


def metric(path: str) -> dict[str, Any]:
    return {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Evaluate.PropertyFiles.Metrics"}, "Path": path}}


def get(path: str) -> dict[str, Any]:
    return {"Get": path}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        pytest.param(3, 3, id="a plain value"),
        pytest.param(get("Parameters.Limit"), 0.4, id="a parameter keeps its type"),
        pytest.param(get("Execution.PipelineName"), "p", id="a variable of the execution"),
        pytest.param(get("Steps.Evaluate.ProcessingJobName"), "job", id="a property"),
        pytest.param(
            get("Steps.Evaluate.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"),
            "s3://b/out",
            id="an output by name",
        ),
        pytest.param(
            get('Steps.Evaluate.ProcessingOutputConfig.Outputs["out"].OutputName'), "out", id="a name in double quotes"
        ),
        pytest.param(
            get("Steps.Evaluate.ProcessingOutputConfig.Outputs[0].OutputName"), "out", id="an output by position"
        ),
        pytest.param(
            {"Std:Join": {"On": "/", "Values": ["a", get("Parameters.Limit"), 3, get("Parameters.On")]}},
            "a/0.4/3/true",
            id="a join of values of all types",
        ),
        pytest.param({"Std:Join": {"Values": ["a", "b"]}}, "ab", id="a join on nothing"),
        pytest.param(metric("map"), 0.5, id="a metric of a property file"),
        pytest.param(metric("$.list[1].a"), 2, id="a path with an index"),
        pytest.param(metric("per_class['red cell'].ap"), 1, id="a path with a quoted key"),
        pytest.param(
            {
                "Std:JsonGet": {
                    "S3Uri": {"Std:Join": {"On": "/", "Values": ["s3://b/out", "sub/metrics.json"]}},
                    "Path": "name",
                }
            },
            "best",
            id="a metric of an object by its URI",
        ),
        pytest.param(
            {"a": [get("Execution.PipelineName")], "b": None}, {"a": ["p"]}, id="in a structure, without nulls"
        ),
        pytest.param({"Get": "a", "Other": "b"}, {"Get": "a", "Other": "b"}, id="two keys are not an expression"),
    ],
)
def test_expressions_have_values(expression: Any, value: Any) -> None:
    assert RESOLVER.resolve(expression) == value


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        pytest.param(get("Execution.Nope"), "Execution.Nope: there is no such variable", id="variable"),
        pytest.param(get("Steps.Train.Arn"), "Steps.Train.Arn: step Train has not been executed", id="step"),
        pytest.param(get("Steps.Evaluate.Nope.X"), "Steps.Evaluate.Nope.X: there is no 'Nope'", id="property"),
        pytest.param(
            get("Steps.Evaluate.ProcessingOutputConfig.Outputs['no'].S3Output"), "nothing is named 'no'", id="output"
        ),
        pytest.param({"Std:Join": {"On": "/"}}, "Std:Join is malformed: {'On': '/'}", id="a join of nothing"),
        pytest.param({"Get": 3}, "Get is malformed: 3", id="a path that is not a string"),
        pytest.param(
            metric("gate.missed"),
            "JsonGet: gate.missed: there is no 'gate' in s3://b/out/sub/metrics.json",
            id="path in a file",
        ),
        pytest.param(
            {"Std:JsonGet": {"PropertyFile": get("Steps.Evaluate.PropertyFiles.No"), "Path": "x"}},
            "step Evaluate declares no property file No",
            id="property file",
        ),
        pytest.param(
            {"Std:JsonGet": {"S3Uri": "s3://b/no", "Path": "x"}},
            "JsonGet x: the S3 object s3://b/no does not exist",
            id="missing object",
        ),
        pytest.param(
            {"Std:JsonGet": {"S3Uri": "s3://b/broken", "Path": "x"}}, "s3://b/broken is not JSON", id="broken object"
        ),
    ],
)
def test_an_expression_without_a_value_names_its_path(expression: Any, message: str) -> None:
    with pytest.raises(ResolveError) as caught:
        RESOLVER.resolve(expression)
    assert message in str(caught.value)


KEY = st.text(st.characters(exclude_characters="'\"", exclude_categories=["Cs"]), min_size=1)


@given(st.lists(KEY | st.integers(0, 99), min_size=1, max_size=5))
def test_every_path_of_keys_and_indices_can_be_written(path: list[str | int]) -> None:
    written = "".join(f"[{part}]" if isinstance(part, int) else f"['{part}']" for part in path)
    assert tokens(written) == path
    value: Any = "found"
    for part in reversed(path):
        value = {part: value} if isinstance(part, str) else [None] * part + [value]
    assert follow(value, written) == "found"


@given(st.text())
def test_any_text_is_a_path_or_refused(path: str) -> None:
    result = tokens(path)
    assert result is None or all(isinstance(token, str | int) for token in result)


def compare(kind: str, left: Any, right: Any) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


YES, NO = compare("Equals", 1, 1), compare("Equals", 1, 2)


@pytest.mark.parametrize(
    ("condition", "outcome"),
    [
        pytest.param(compare("Equals", "a", "a"), True, id="equal text"),
        pytest.param(compare("Equals", 1, 1.0), True, id="an integer equals its float"),
        pytest.param(compare("Equals", True, 1), False, id="true is not 1"),
        pytest.param(compare("Equals", "1", 1), False, id="text is not a number"),
        pytest.param(compare("GreaterThan", 2, 1), True, id="greater"),
        pytest.param(compare("GreaterThan", 1, 1), False, id="not greater"),
        pytest.param(compare("GreaterThanOrEqualTo", metric("map"), get("Parameters.Limit")), True, id="at least"),
        pytest.param(compare("LessThan", metric("map"), get("Parameters.Limit")), False, id="not less"),
        pytest.param(compare("LessThanOrEqualTo", 0, 0), True, id="at most"),
        pytest.param({"Type": "In", "QueryValue": metric("name"), "Values": ["good", "best"]}, True, id="in"),
        pytest.param({"Type": "In", "QueryValue": 1, "Values": [True, "1"]}, False, id="not in"),
        pytest.param({"Type": "Not", "Condition": NO}, True, id="not"),
        pytest.param({"Type": "Or", "Conditions": [NO, YES]}, True, id="or"),
        pytest.param({"Type": "Or", "Conditions": [NO, NO]}, False, id="or of none"),
        pytest.param({"Type": "Not", "Condition": {"Type": "Or", "Conditions": [NO, YES]}}, False, id="nested"),
    ],
)
def test_conditions(condition: dict[str, Any], outcome: bool) -> None:
    assert holds(condition, RESOLVER) is outcome


def test_a_list_of_conditions_is_an_and() -> None:
    assert all_hold([YES, YES], RESOLVER)
    assert not all_hold([YES, NO], RESOLVER)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        pytest.param(compare("GreaterThan", "a", 1), "GreaterThan can't compare 'a' with 1", id="text with a number"),
        pytest.param(compare("LessThan", True, False), "can't compare True with False", id="booleans"),
        pytest.param(compare("Near", 1, 1), "unknown type of condition 'Near'", id="unknown type"),
        pytest.param("Equals", "'Equals' is not a condition", id="no condition"),
        pytest.param({"Type": "In", "QueryValue": 1}, "a condition of type In lacks 'Values'", id="a missing member"),
    ],
)
def test_conditions_that_have_no_outcome(condition: dict[str, Any], message: str) -> None:
    with pytest.raises(ResolveError) as caught:
        # Behind one that does not hold: a fault is reported all the same.
        all_hold([NO, condition], RESOLVER)
    assert message in str(caught.value)
