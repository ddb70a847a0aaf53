"""Definitions as facts with readable paths, and every difference between two of them as a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.plan.changes import Change, differences
from pipeline.plan.flatten import FlatDefinition, read
from pipeline.plan.rendering import change_line

Json = dict[str, Any]


def definition(*steps: Json, parameters: list[Json] | None = None) -> FlatDefinition:
    return read(json.dumps({"Version": "2020-12-01", "Parameters": parameters or [], "Steps": list(steps)}))


def step(name: str = "S", kind: str = "Training", **members: Any) -> Json:
    arguments = members.pop("arguments", {})
    return {"Name": name, "Type": kind, "Arguments": arguments, **members}


def changed(old: Json, new: Json, **given: Any) -> list[str]:
    return [change_line(change) for change in differences(definition(old, **given), definition(new, **given))]


EPOCHS = {"Name": "Epochs", "Type": "Integer", "DefaultValue": 30}


@pytest.mark.parametrize(
    ("value", "path", "text"),
    [
        pytest.param("x", "V", "x", id="text"),
        pytest.param(True, "V", "true", id="truth"),
        pytest.param(None, "V", "null", id="nothing"),
        pytest.param({}, "V", "{}", id="an empty structure"),
        pytest.param([], "V", "[]", id="an empty list"),
        pytest.param(["a", "b"], "V", "[a, b]", id="a plain list is one value"),
        pytest.param({"Get": "Parameters.Epochs"}, "V", "30", id="a parameter is its default"),
        pytest.param({"Get": "Parameters.None"}, "V", "{Parameters.None}", id="an unknown parameter"),
        pytest.param(
            {"Std:Join": {"On": "/", "Values": ["s3://b", {"Get": "Execution.PipelineExecutionId"}]}},
            "V", "s3://b/{Execution.PipelineExecutionId}", id="what only an execution knows",
        ),
        pytest.param(
            {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.P.PropertyFiles.F"}, "Path": "a.b"}},
            "V", "{P.F: a.b}", id="a value in a file",
        ),
        pytest.param([{"ChannelName": "train", "X": 1}], "V.train.X", "1", id="a named item"),
        pytest.param([{"Key": "team", "Value": "vision"}], "V.team", "vision", id="a tag"),
        pytest.param([{"X": 1}, {"X": 2}], "V[1].X", "2", id="an item without a name"),
        pytest.param([{"ChannelName": "a", "X": 1}, {"ChannelName": "a", "X": 2}], "V[1].X", "2", id="names twice"),
        pytest.param(
            {"Std:Join": {"On": "", "Values": ['{"a": "', {"Get": "Parameters.Epochs"}, '!", "b": ',
                                              {"Get": "Steps.P.X"}, "}"]}},
            "V.b", "{P.X}", id="a document that is joined",
        ),
        pytest.param(
            {"Std:Join": {"On": "", "Values": ['{"a": "\\\\', {"Get": "Parameters.Epochs"}, '!"}']}},
            "V.a", "\\30!", id="a part of a text in it",
        ),
        pytest.param(
            {"Std:Join": {"On": "", "Values": ["{ not json", {"Get": "Parameters.Epochs"}]}},
            "V", "{ not json30", id="what only looks like one",
        ),
    ],
)  # fmt: skip
def test_a_value_has_a_readable_path_and_text(value: Any, path: str, text: str) -> None:
    found = definition(step(arguments={"V": value}), parameters=[EPOCHS]).steps["S"].values
    assert found[path].text == text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["--a", "1", "--b", "x", "y"], {"--a": "1", "--b": "x y"}, id="options with values"),
        pytest.param(["--flag", "--a", "1"], {"--flag": "set", "--a": "1"}, id="a flag"),
        pytest.param(["--g", "map=0.1", "map_50=0.2"], {"--g map": "0.1", "--g map_50": "0.2"}, id="named values"),
        pytest.param(["--r", "a >= 1", "b == 2"], {"--r": "a >= 1 b == 2"}, id="comparisons are not names"),
        pytest.param(["--s=a", "--s=b"], {"--s": "a b"}, id="parts of another option"),
        pytest.param(['--s={"a":{"b"', "--s=:1}}"], {"--s.a.b": "1"}, id="a structure in parts"),
        pytest.param(["--a", "1", "--a", "2"], {"--a": "1", "--a #2": "2"}, id="an option twice"),
        pytest.param(["run", "--a", "1"], {"argument": "run", "--a": "1"}, id="a value before all options"),
    ],
)
def test_container_arguments_go_by_their_option(arguments: list[str], expected: dict[str, str]) -> None:
    found = definition(step(arguments={"AppSpecification": {"ContainerArguments": arguments}})).steps["S"].values
    assert {path: fact.text for path, fact in found.items()} == expected


def test_steps_in_branches_know_their_branch_and_wait_for_its_condition() -> None:
    gate = step(
        "Gate", "Condition",
        arguments={
            "Conditions": [{"Type": "LessThanOrEqualTo", "LeftValue": {"Get": "Steps.A.X"}, "RightValue": 0}],
            "IfSteps": [step("Yes", DependsOn=["A"])],
            "ElseSteps": [step("No", "Fail")],
        },
    )  # fmt: skip
    found = definition(step("A"), gate).steps
    assert found["Gate"].values["Conditions"].text == "{A.X} <= 0"
    assert (found["Yes"].place, found["No"].place) == ("if Gate holds", "unless Gate holds")
    assert found["Gate"].after == {"A"}
    assert found["Yes"].after == {"A", "Gate"}
    assert found["No"].after == {"Gate"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(step(arguments={"V": "1"}), step(arguments={"V": "2"}), ["~ S  V: 1 → 2"], id="a value"),
        pytest.param(step(arguments={"V": ""}), step(arguments={"V": "2"}), ['~ S  V: "" → 2'], id="an empty text"),
        pytest.param(step(), step(arguments={"V": "2"}), ["+ S  V: 2"], id="a value more"),
        pytest.param(step(arguments={"V": "2"}), step(), ["- S  V: 2"], id="a value less"),
        pytest.param(step(), step(kind="Tuning"), ["~ S  type: Training → Tuning"], id="the type"),
        pytest.param(
            step(DependsOn=["A"]), step(DependsOn=["B"]), ["+ S  after B", "- S  after A"], id="dependencies"
        ),
        pytest.param(
            step(DependsOn=["A"]),
            step(DependsOn=[{"Step": "A", "Trigger": "Failed"}]),
            ["+ S  after A (Failed)", "- S  after A"],
            id="run conditions",
        ),
        pytest.param(
            step("A"), step("B"), ["+ step B  Training", "- step A  Training"], id="a step for another"
        ),
        pytest.param(
            step(arguments={"V": "30"}), step(arguments={"V": {"Get": "Parameters.Epochs"}}),
            ["~ S  V: 30 → 30  (parameter Epochs)"], id="a parameter for the same value",
        ),
        pytest.param(
            step(arguments={"V": f"s3://b/code/{'a' * 64}/x.py"}),
            step(arguments={"V": f"s3://b/code/{'b' * 64}/x.py"}),
            ["~ code of S changed"], id="code",
        ),
        pytest.param(
            step(arguments={"V": f"s3://b/code/{'a' * 64}/x.py"}),
            step(arguments={"V": f"s3://c/code/{'b' * 64}/x.py"}),
            ["~ S  V: s3://b/code/.../x.py → s3://c/code/.../x.py", "~ code of S changed"], id="code elsewhere",
        ),
        pytest.param(
            step(CacheConfig={"Enabled": True}), step(CacheConfig={"Enabled": False}),
            ["~ S  CacheConfig.Enabled: true → false"], id="its cache",
        ),
    ],
)  # fmt: skip
def test_a_difference_of_a_step_is_a_line(old: Json, new: Json, expected: list[str]) -> None:
    assert changed(old, new, parameters=[EPOCHS]) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param([], [EPOCHS], ["+ parameter Epochs  Integer, default 30"], id="new"),
        pytest.param([EPOCHS], [], ["- parameter Epochs  Integer, default 30"], id="gone"),
        pytest.param(
            [EPOCHS], [{**EPOCHS, "DefaultValue": 80}], ["~ parameter Epochs  default: 30 → 80"], id="default"
        ),
        pytest.param(
            [EPOCHS], [{**EPOCHS, "Type": "Float"}], ["~ parameter Epochs  Type: Integer → Float"], id="type"
        ),
        pytest.param(
            [{**EPOCHS, "EnumValues": [1, 2]}], [{**EPOCHS, "EnumValues": [2, 3]}],
            ["+ parameter Epochs  choices: 3", "- parameter Epochs  choices: 1"], id="choices",
        ),
        pytest.param(
            [{**EPOCHS, "EnumValues": [1, 2]}], [{**EPOCHS, "EnumValues": [2, 1]}],
            ["~ parameter Epochs  choices: 1, 2 → 2, 1"], id="order of the choices",
        ),
    ],
)  # fmt: skip
def test_a_difference_of_a_parameter_is_a_line(old: list[Json], new: list[Json], expected: list[str]) -> None:
    found = differences(definition(parameters=old), definition(parameters=new))
    assert [change_line(change) for change in found] == expected


def test_what_a_version_only_notes_is_told_apart() -> None:
    def made(epochs: str, sha: str, purpose: str) -> FlatDefinition:
        card = {"hyper_parameters": [{"name": "epochs", "value": epochs}], "purpose": purpose}
        noting = {
            "Metadata": {"config_sha256": sha * 64},
            "Card": {"Std:Join": {"On": "", "Values": [json.dumps(card)]}},
        }
        return definition(step("T", arguments={"E": epochs}), step("R", "RegisterModel", arguments=noting))

    found = differences(made("30", "a", "counting"), made("80", "b", "finding"))
    assert [(change.kind, change.name, change.path) for change in found] == [
        ("argument", "T", "E"),
        ("record", "R", "Metadata.config_sha256"),
        ("record", "R", "Card.hyper_parameters.epochs.value"),
        ("argument", "R", "Card.purpose"),
    ]


# Steps go by their name; between the values of a Std:Join that has but one stands nothing; branches hold steps.
_FORM = ("Name", "On", "IfSteps", "ElseSteps")


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict | list) and value:
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path


def other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else f"{value}x" if isinstance(value, str) else "x"


def test_no_value_changes_unseen(training: Json) -> None:
    """Whatever single value of our definition changes: the plan has a line for it."""
    text = json.dumps(training)
    before = read(text)
    paths = [found for found in leaves(training) if found[-1] not in _FORM]

    @settings(max_examples=60, deadline=None)
    @given(path=st.sampled_from(paths))
    def changed(path: tuple[Any, ...]) -> None:
        edited = json.loads(text)
        at = edited
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = other(at[path[-1]])
        found = differences(before, read(json.dumps(edited)))
        assert found, path
        assert all(change_line(change) for change in found if isinstance(change, Change))

    changed()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("not json", "Expecting value", id="no JSON"),
        pytest.param("[]", "a definition is a JSON object", id="a list"),
        pytest.param('{"Steps": ["x"]}', "is not a step", id="a step that is a text"),
        pytest.param('{"Parameters": ["x"]}', "each parameter is", id="a parameter that is a text"),
    ],
)
def test_what_is_no_definition_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(text)
