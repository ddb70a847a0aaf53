"""Whatever JSON it is given, the checker answers with findings."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundloop.check import DefinitionCode, DefinitionFinding, check_definition

Definition = dict[str, Any]

EXPRESSIONS = st.sampled_from(["Get", "Std:Join", "Std:JsonGet", "Std:Other", "PropertyFile", "S3Uri", "Values", "On"])
PATHS = st.sampled_from(
    [
        "Steps", "Steps.", "Steps.Train", "Steps.Train.", "Steps.Prepare.ProcessingOutputConfig.Outputs",
        "Steps.Prepare.ProcessingOutputConfig.Outputs['x", "Steps.Prepare.PropertyFiles.", "Parameters.", "Parameters",
        "Execution.", "ForEach.CurrentItem", "Steps.QualityGate.Outcome", "Steps.GateMissed.x", "a[0]['b']", "", ".",
        "$", "ml.p3.2xlarge", "Processing", "Condition", "ForEach", "Lambda", "Fail", "Tuning", "Train",
    ]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | PATHS
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(EXPRESSIONS | PATHS | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


@given(data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_change_of_a_definition_is_survived(training: Definition, data: st.DataObject) -> None:
    definition = json.loads(json.dumps(training))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(definition))[1:]))
        holder: Any = definition
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = data.draw(JSON)
    for finding in check_definition(definition):
        assert isinstance(finding, DefinitionFinding)
        assert finding.message
        assert finding.remedy


@given(definition=st.dictionaries(st.sampled_from(["Version", "Parameters", "Steps", "Metadata"]), JSON))
@settings(max_examples=50, deadline=None)
def test_any_object_is_survived(definition: Definition) -> None:
    assert check_definition(definition)


@pytest.mark.parametrize(
    ("definition", "code"),
    [
        pytest.param({"Version": "2020-12-01"}, DefinitionCode.MALFORMED, id="no steps"),
        pytest.param({"Version": "2020-12-01", "Steps": []}, DefinitionCode.MALFORMED, id="empty steps"),
        pytest.param(
            {"Version": "2020-12-01", "Steps": {"a": 1}}, DefinitionCode.MALFORMED, id="steps that are not a list"
        ),
        pytest.param(
            {"Version": "2020-12-01", "Steps": ["Train"]}, DefinitionCode.MALFORMED, id="step that is not an object"
        ),
        pytest.param(
            {"Version": "2020-12-01", "Steps": [{"Type": "Fail", "Arguments": {}}]},
            DefinitionCode.BAD_NAME,
            id="no name",
        ),
        pytest.param(
            {"Version": "2020-12-01", "Steps": [{"Name": "a", "Arguments": {}}]}, DefinitionCode.MALFORMED, id="no type"
        ),
        pytest.param(
            {"Parameters": "none", "Steps": []}, DefinitionCode.MALFORMED, id="parameters that are not a list"
        ),
        pytest.param(
            {"Parameters": ["Epochs"], "Steps": []}, DefinitionCode.BAD_PARAMETER, id="parameter that is not an object"
        ),
    ],
)
def test_what_is_no_definition_is_said(definition: Definition, code: DefinitionCode) -> None:
    assert code in {finding.code for finding in check_definition(definition)}


def test_the_finding_stays_where_it_is_beside_others(define: Callable[..., Definition]) -> None:
    """One fault hides none of the others."""
    definition = define()
    definition["Steps"][1]["Arguments"]["RoleArn"] = 7
    definition["Steps"][0]["Arguments"] = ["not", "an", "object"]
    definition["Parameters"][0] = None
    places_found = {(finding.step, finding.path) for finding in check_definition(definition)}
    assert {("Train", "Arguments.RoleArn"), ("Prepare", "Arguments"), (None, "Parameters[0]")} <= places_found


def test_messages_are_one_line_each(training: Definition) -> None:
    definition = copy.deepcopy(training)
    definition["Steps"][1]["Arguments"]["AlgorithmSpecification"]["TrainingInputMode"] = "a\nb"
    findings = check_definition(definition)
    assert "TrainingInputMode" in " ".join(finding.path for finding in findings)
    for finding in findings:
        assert not re.search(r"\n", finding.message + finding.remedy + finding.path)
