"""Faults put into our own definition, one at a time: each is reported under its code and at its place."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from itertools import chain

import pytest

from groundloop.check import DefinitionCode, DefinitionFinding, Severity, check_definition
from tests.groundloop.check.faults import (
    business_rules,
    conditions,
    object_detection,
    order,
    parameters,
    references,
    requests,
    steps,
    tuning,
)
from tests.groundloop.check.faults.edits import TRAIN, Definition, Edit, drop, get, hyper, json_get, parameter, put

TOPICS = (requests, business_rules, references, order, parameters, steps, conditions, object_detection)
#: The edits; the code, the step and the path of the finding; a word of its message.
FAULTS = list(chain.from_iterable(topic.FAULTS for topic in TOPICS))


@pytest.fixture(scope="module")
def base(define: Callable[..., Definition]) -> Definition:
    """The whole pipeline, with the built-in algorithm's image, which is without faults."""
    return sound(define("training.instance_type=ml.g4dn.xlarge"))


@pytest.fixture(scope="module")
def search(define: Callable[..., Definition]) -> Definition:
    """The whole pipeline with Tune in Train's place, which is without faults."""
    search = (
        "{enabled: true, jobs: 12, parallel_jobs: 2, ranges: {learning_rate: %s, mini_batch_size: %s, optimizer: %s}}"
    )
    rate, batch = "{min: 0.00001, max: 0.01, scale: log}", "{min: 8, max: 32}"
    return sound(define(f"training.tuning={search % (rate, batch, '[sgd, adam]')}"))


def sound(definition: Definition) -> Definition:
    """The definition, in which the fault of a test is the only one."""
    assert check_definition(definition) == []
    return definition


def changed(base: Definition, edits: list[Edit]) -> list[DefinitionFinding]:
    definition: Definition = json.loads(json.dumps(base))
    for edit in edits:
        edit(definition)
    return check_definition(definition)


@pytest.mark.parametrize(("edits", "code", "where", "path", "word"), FAULTS)
def test_a_fault_is_caught_where_it_is(
    base: Definition, edits: list[Edit], code: DefinitionCode, where: str | None, path: str, word: str
) -> None:
    findings = changed(base, edits)
    here = [finding for finding in findings if (finding.code, finding.step, finding.path) == (code, where, path)]
    assert here, f"found only {findings}"
    assert word in here[0].message
    assert here[0].remedy


@pytest.mark.parametrize(("edits", "code", "where", "path", "word"), tuning.FAULTS)
def test_a_fault_of_a_search_is_caught_where_it_is(
    search: Definition, edits: list[Edit], code: DefinitionCode, where: str | None, path: str, word: str
) -> None:
    test_a_fault_is_caught_where_it_is(search, edits, code, where, path, word)


@pytest.mark.parametrize(
    ("edits", "most"),
    [
        pytest.param([put("Train", "Type", "Trainning")], 4, id="type of a step that others refer to"),
        pytest.param([drop("Prepare", "Arguments")], 6, id="arguments of a step that others refer to"),
        pytest.param([put("Train", "Arguments.AlgorithmSpecification.TrainingInputMode", "pipe")], 1, id="one member"),
        pytest.param([put("Train", f"{TRAIN}.InputMode", "File")], 1, id="one channel"),
        pytest.param([put("Predict", "Arguments.ModelName", get("Steps.Model.ModelName"))], 1, id="one reference"),
    ],
)
def test_one_fault_gives_few_findings(base: Definition, edits: list[Edit], most: int) -> None:
    assert len(changed(base, edits)) <= most


def test_every_code_is_produced_by_some_fault() -> None:
    elsewhere = {DefinitionCode.UNCHECKED_STEP_TYPE}  # test_other_shapes.py
    assert {fault.values[1] for fault in [*FAULTS, *tuning.FAULTS]} | elsewhere == set(DefinitionCode)


def test_findings_say_what_to_do(base: Definition) -> None:
    (found,) = changed(base, [put("Train", "Arguments.AlgorithmSpecification.TrainingInputMode", "pipe")])
    assert found.severity is Severity.ERROR
    assert found.remedy == 'write "Pipe"'
    assert found.as_json() == {
        "severity": "error",
        "code": "not-in-enum",
        "step": "Train",
        "path": "Arguments.AlgorithmSpecification.TrainingInputMode",
        "message": '"pipe" is not one of Pipe, File, FastFile',
        "remedy": 'write "Pipe"',
    }


def test_errors_of_a_step_come_before_its_warnings_and_steps_in_their_order(base: Definition) -> None:
    findings = changed(
        base,
        [
            drop("Train", f"{TRAIN}.ShuffleConfig"),
            drop("Train", "Arguments.RoleArn"),
            drop("Prepare", "Arguments.RoleArn"),
            parameter("Unused", Type="String", DefaultValue="x"),
        ],
    )
    assert [(found.step, found.severity.value) for found in findings] == [
        (None, "warning"),
        ("Prepare", "error"),
        ("Train", "error"),
        ("Train", "warning"),
    ]


SUMMARY = {"training": {"num_training_samples": "20", "num_classes": 3, "label_width": "350"}}


def test_with_a_sample_the_paths_into_a_property_file_are_checked(base: Definition) -> None:
    bare = copy.deepcopy(base)
    hyper("num_classes", json_get("Prepare", "Summary", "training.num_classes"))(bare)
    good = {"training": {**SUMMARY["training"], "num_classes": "3"}}
    assert check_definition(bare, samples={"Prepare.Summary": good}) == []
    (number,) = check_definition(bare, samples={"Prepare.Summary": SUMMARY})
    assert (number.code, number.path) == (DefinitionCode.WRONG_TYPE, "Arguments.HyperParameters.num_classes")
    small = {"training": {**good["training"], "num_training_samples": "3"}}
    (batch,) = check_definition(bare, samples={"Prepare.Summary": small})
    assert batch.code is DefinitionCode.BATCH_SIZE
    findings = check_definition(bare, samples={"Prepare.Summary": {"training": {"num_class": "3"}}})
    assert {finding.code for finding in findings} == {DefinitionCode.BAD_JSON_PATH}
    assert any(finding.remedy == 'write "num_class"' for finding in findings)
