"""`groundloop runs --compare`: what differs between two executions or versions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from jsonschema import Draft202012Validator

from tests.fixtures.cli import CommandResult, Groundloop

GROUP = "compared-runs"
SUMMARY = {
    "classes": ["nut", "bolt"],
    "fingerprint": "FINGERPRINT",
    "train": {"images": 8, "boxes": 20},
    "validation": {"images": 2, "boxes": 4},
    "test": {"images": 2, "boxes": 5},
    "negatives_dropped": 0,
    "sources": [
        {"name": "s3://b/one.manifest", "read": 12, "used": 12, "rejected": 0, "reasons": {}}
        | dict.fromkeys(("replaced", "failed", "unlabelled"), 0)
    ],
}
EVALUATION: dict[str, Any] = {
    "map": "MAP", "map_50": 0.4, "map_large": None, "voc_map": 0.4,
    "threshold": 0.3, "threshold_rule": "best F1 on validation",
    "at_threshold": {"precision": 0.5, "recall": 0.5},
    "count": {"mae": 1.0},
    "intervals": {"level": 0.95, "metrics": {"map": ["LOW", "HIGH"], "map_50": [0.3, 0.45]}},
    "images": {"test": 2},
    "per_class": {"usb-c": {"ap_50": "MAP", "precision": "MAP", "recall": 0.5, "boxes": 9}},
    "slices": {"camera": {"north": {"map_50": "MAP", "recall": "MAP"}}},
    "gate": {"requirements": [], "missed": [], "thresholds_missed": 0, "message": "all thresholds met"},
}  # fmt: skip
WRITE = (
    "import json, os, pathlib, sys\n"
    "folder, (map_value, fingerprint) = pathlib.Path(os.environ['OPT_ML'], 'processing/output/report'), sys.argv[1:3]\n"
    "values = {'MAP': float(map_value), 'LOW': float(map_value) - 0.1, 'HIGH': float(map_value) + 0.1}\n"
    "if map_value == '0': sys.exit('no luck')\n"
)
RUN = {
    "type": "object",
    "required": ["name", "execution", "package", "status", "started"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "execution": {"type": ["string", "null"], "pattern": "^arn:"},
        "package": {"type": ["string", "null"], "pattern": "^arn:"},
        "status": {"type": ["string", "null"]},
        "started": {"type": ["string", "null"]},
    },
}
VALUE = {"type": ["string", "number", "null"]}
NUMBER = {"type": ["number", "null"]}
INTERVAL = {"type": ["array", "null"], "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
SCHEMA = {
    "type": "object",
    "required": ["a", "b", "differences", "metrics", "equal", "notes"],
    "additionalProperties": False,
    "properties": {
        "a": RUN,
        "b": RUN,
        "differences": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["section", "name", "a", "b"],
                "additionalProperties": False,
                "properties": {
                    "section": {
                        "enum": ["parameters", "configuration", "hyperparameters", "data", "code", "gate", "cost"]
                    },
                    "name": {"type": "string"},
                    "a": VALUE,
                    "b": VALUE,
                },
            },
        },
        "metrics": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "a", "b", "difference", "a_interval", "b_interval", "intervals_overlap"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string"},
                    **dict.fromkeys(("a", "b", "difference"), NUMBER),
                    **dict.fromkeys(("a_interval", "b_interval"), INTERVAL),
                    "intervals_overlap": {"type": ["boolean", "null"]},
                },
            },
        },
        "equal": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
        "notes": {"type": "array", "items": {"type": "string"}},
    },
}


@dataclass
class Runs:
    """A pipeline whose executions write the mAP and the data that their parameters name."""

    groundloop: Groundloop
    pipeline: str
    started: dict[tuple[str, ...], str]

    def start(self, map_value: str = "0.4", data: str = "one", copy: str = "") -> str:
        """Return the id of an execution that has ended; tests share those of the same values."""
        key = (map_value, data, copy)
        if key not in self.started:
            self.started[key] = self._start(map_value, data)
        return self.started[key]

    def latest(self) -> str:
        """Return the id of the newest execution."""
        return str(self.groundloop("runs", "--name", self.pipeline, "--json").json["executions"][0]["id"])

    def _start(self, map_value: str, data: str) -> str:
        given = ("-p", f"Map={map_value}", "-p", f"Data={data}")
        ran = self.groundloop("start", "--name", self.pipeline, "--watch", *given)
        assert ran.code == (map_value == "0"), ran.err
        return self.latest()

    def compare(self, a: str, b: str, *options: str) -> CommandResult:
        """Compare two."""
        group = ("-s", f"registry.group={GROUP}")
        return self.groundloop("runs", "--name", self.pipeline, "--compare", a, b, *options, *group)

    def compared(self, a: str, b: str) -> Any:
        """Return the JSON of a comparison, which fits the schema."""
        ran = self.compare(a, b, "--json")
        assert ran.code == 0, ran.err
        Draft202012Validator(SCHEMA).validate(ran.json)
        return ran.json


@pytest.fixture(scope="module")
def made() -> dict[str, dict[tuple[str, ...], str]]:
    """By the pipeline, the executions that the tests of this module share."""
    return {}


@pytest.fixture
def runs(
    groundloop: Groundloop,
    make_pipeline: Callable[..., str],
    script: Callable[..., Any],
    made: dict[str, dict[tuple[str, ...], str]],
) -> Runs:
    for pipeline, started in made.items():
        return Runs(groundloop, pipeline, started)
    arguments = [{"Get": "Parameters.Map"}, {"Get": "Parameters.Data"}]
    summary = json.dumps(SUMMARY)
    prepare = script(
        "Prepare",
        f"{WRITE}folder.joinpath('summary.json').write_text({summary!r}.replace('FINGERPRINT', fingerprint))",
        arguments=arguments,
    )
    replaced = "text = __import__('functools').reduce(lambda t, v: t.replace(f'\"{v}\"', str(values[v])), values, text)"
    evaluate = script(
        "Evaluate",
        f"{WRITE}text = {json.dumps(EVALUATION)!r}\n{replaced}\nfolder.joinpath('evaluation.json').write_text(text)",
        arguments=arguments,
    )
    evaluate["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["OutputName"] = "evaluation"
    for step in (prepare, evaluate):  # each execution has outputs of its own
        output = step["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]
        output["S3Uri"] = {
            "Std:Join": {"On": "/", "Values": [output["S3Uri"], {"Get": "Execution.PipelineExecutionId"}]}
        }
    declared = [
        {"Name": name, "Type": "String", "DefaultValue": value} for name, value in (("Map", "0.4"), ("Data", "one"))
    ]
    pipeline = make_pipeline(prepare, evaluate, parameters=declared)
    return Runs(groundloop, pipeline, made.setdefault(pipeline, {}))


def by_name(comparison: Any, part: str) -> dict[str, Any]:
    return {one["name"]: one for one in comparison[part]}


def test_parameters_data_and_metrics_that_differ_are_named(runs: Runs) -> None:
    one, two = runs.start(), runs.start("0.75", "two")
    found = runs.compared(one, two)
    assert (found["a"]["name"], found["b"]["name"]) == (one, two)
    differences = by_name(found, "differences")
    assert {name: differences[name]["a"] for name in ("Map", "Data", "fingerprint")} == {
        "Map": "0.4",
        "Data": "one",
        "fingerprint": "one",
    }
    assert {one["section"] for one in found["differences"]} <= {"parameters", "data", "cost"}
    metrics = by_name(found, "metrics")
    assert list(metrics) == [
        "map",
        *("per_class.usb-c.ap_50", "per_class.usb-c.precision"),
        *("slices.camera.north.map_50", "slices.camera.north.recall"),
    ]
    assert metrics["map"]["difference"] == pytest.approx(0.35)
    assert metrics["map"]["b_interval"] == pytest.approx([0.65, 0.85])
    assert metrics["map"]["intervals_overlap"] is False
    assert metrics["per_class.usb-c.ap_50"]["intervals_overlap"] is None
    assert found["equal"]["metrics"] == 9
    assert found["notes"] == ["the data differs, so the metrics may be of other test images"]

    shown = runs.compare(one, two).out
    assert re.search(r"^parameter +Map +0\.4 +0\.75$", shown, re.MULTILINE)
    assert re.search(r"^map +0\.4000 +0\.7500 +\+0\.3500 +0\.3000 to 0\.5000 +0\.6500 to 0\.8500$", shown, re.MULTILINE)
    assert "per_class.usb-c.ap_50" in shown
    assert "slices.camera.north.map_50" in shown
    assert "2 more metrics differ: --json has them" in shown


def test_the_same_twice_differs_in_its_cost_alone(runs: Runs) -> None:
    found = runs.compared(runs.start(), runs.start(copy="again"))
    assert {one["section"] for one in found["differences"]} <= {"cost"}
    assert (found["metrics"], found["notes"]) == ([], [])


def test_latest_is_the_newest_execution(runs: Runs) -> None:
    one = runs.start()
    runs.start("0.75", "two")
    found = runs.compared(one, "latest")
    assert found["b"]["name"] == runs.latest()


def test_an_execution_that_failed_has_no_metrics(runs: Runs) -> None:
    one, failed = runs.start(), runs.start("0")
    found = runs.compared(one, failed)
    assert found["b"]["status"] == "Failed"
    assert f"{failed}: it has no metrics: its Evaluate step has not succeeded" in found["notes"]
    assert by_name(found, "metrics")["map"]["b"] is None


class TestVersions:
    @pytest.fixture
    def register(self, put: Callable[[str, bytes], str]) -> Callable[..., str]:
        """Register a version with metadata; returns its number."""
        sagemaker = boto3.client("sagemaker")
        if not sagemaker.list_model_package_groups(NameContains=GROUP)["ModelPackageGroupSummaryList"]:
            sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)

        def register(**metadata: str) -> str:
            container = {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/x:1", "ModelDataUrl": put("m", b"")}
            created = sagemaker.create_model_package(
                ModelPackageGroupName=GROUP,
                InferenceSpecification={"Containers": [container], "SupportedContentTypes": ["image/jpeg"]},
                CustomerMetadataProperties=metadata,
            )
            return str(created["ModelPackageArn"].rpartition("/")[2])

        return register

    def test_a_version_is_the_execution_that_registered_it(self, runs: Runs, register: Callable[..., str]) -> None:
        one, two = runs.start(), runs.start("0.75", "two")
        listed = runs.groundloop("runs", "--name", runs.pipeline, "--json").json["executions"]
        arns = {execution["id"]: execution["arn"] for execution in listed}
        number = register(execution=arns[one], config_sha256="a" * 64)
        found = runs.compared(number, two)
        assert (found["a"]["name"], found["a"]["execution"]) == (f"version {number}", arns[one])
        differences = by_name(found, "differences")
        assert (differences["config_sha256"]["a"], differences["config_sha256"]["b"]) == ("a" * 64, None)
        assert by_name(found, "metrics")["map"]["b"] == 0.75
        same = runs.compare(number, one)
        assert same.code == 1
        assert f"{number} and {one} are the same: {arns[one]}" in same.error

    def test_a_version_whose_execution_is_gone_has_its_metadata(
        self, runs: Runs, register: Callable[..., str], put: Callable[[str, bytes], str]
    ) -> None:
        values = {"MAP": "0.5", "LOW": "0.4", "HIGH": "0.6"}
        text = re.sub('"(MAP|LOW|HIGH)"', lambda found: values[found[1]], json.dumps(EVALUATION))
        number = register(
            execution="arn:aws:sagemaker:us-east-1:123456789012:pipeline/gone/execution/abcdefghijkl",
            evaluation=put("gone/evaluation.json", text.encode()),
            summary=put("gone/summary.json", json.dumps(SUMMARY).encode()),
            code_version="prepare@1 evaluate@2",
        )
        found = runs.compared(number, runs.start())
        assert found["a"]["execution"] is None
        assert "its execution is not there any more" in found["notes"][0]
        assert by_name(found, "metrics")["map"]["difference"] == pytest.approx(-0.1)
        assert by_name(found, "differences")["evaluate"]["a"] == "2"


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        pytest.param("abcdefghijkl", "latest", "has no execution abcdefghijkl: `groundloop runs`", id="no execution"),
        pytest.param("999", "latest", "no version 999|no group|there is no model package group", id="no version"),
        pytest.param("a/b", "latest", "'a/b' is not an execution: give its ARN, or its id", id="no name"),
        pytest.param("latest", "latest", "latest and latest are the same", id="the same"),
        pytest.param(
            "arn:aws:sagemaker:us-east-1:123456789012:model-package/bolts/3", "latest", "version number, such as 3",
            id="a model package",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_said(runs: Runs, a: str, b: str, message: str) -> None:
    runs.start()
    ran = runs.compare(a, b)
    assert ran.code == 1
    assert re.search(message, ran.error)
