"""What the definition asks of the Evaluate job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Evaluate = Callable[..., dict[str, Any]]


@pytest.fixture
def evaluate(define: Callable[..., dict[str, Any]]) -> Evaluate:
    """The Evaluate step, from local.yaml and assignments."""

    def build(*assignments: str) -> dict[str, Any]:
        (step,) = (step for step in define(*assignments)["Steps"] if step["Name"] == "Evaluate")
        return dict(step)

    return build


def arguments(step: dict[str, Any]) -> list[Any]:
    return list(step["Arguments"]["AppSpecification"]["ContainerArguments"])


def values(step: dict[str, Any], option: str) -> list[Any]:
    """What follows an option, up to the next one."""
    found = arguments(step)
    after = found[found.index(option) + 1 :]
    end = next((index for index, item in enumerate(after) if isinstance(item, str) and item.startswith("--")), None)
    return after[:end]


def thresholds(step: dict[str, Any], option: str) -> dict[str, str]:
    """The metrics of an option, each with its number or the parameter that holds it."""
    found = {}
    for value in values(step, option):
        if isinstance(value, str):
            metric, _, number = value.rpartition("=")
        else:
            assert value["Std:Join"]["On"] == "="
            metric, parameter = value["Std:Join"]["Values"]
            number = parameter["Get"]
        found[metric] = number
    return found


def test_the_main_thresholds_are_parameters(evaluate: Evaluate) -> None:
    step = evaluate("gate.thresholds.count.mae=0.5")
    assert thresholds(step, "--minimum") == {
        "map": "Parameters.MinMap",
        "map_50": "Parameters.MinMap50",
        "voc_map": "Parameters.MinVocMap",
    }
    assert thresholds(step, "--maximum") == {"count.mae": "Parameters.MaxCountMae"}


def test_other_thresholds_and_improvements_are_passed_one_by_one(evaluate: Evaluate) -> None:
    step = evaluate(
        "gate.thresholds={per_class.a.recall: 0.8, count.rmse: 1, count.bias: {min: -0.5, max: 0.5}, map: {max: 0.9}}",
        "gate.min_improvement_over_champion={map_50: 0.01, count.mae: -0.5}",
    )
    assert thresholds(step, "--minimum") == {"per_class.a.recall": "0.8", "count.bias": "-0.5"}
    assert thresholds(step, "--maximum") == {"count.rmse": "1.0", "count.bias": "0.5", "map": "0.9"}
    assert values(step, "--min-improvement") == ["map_50=0.01", "count.mae=-0.5"]


def test_a_disabled_threshold_has_neither_argument_nor_parameter(define: Callable[..., dict[str, Any]]) -> None:
    definition = define("gate.thresholds={map: null, map_50: 0.5, voc_map: null}")
    names = {parameter["Name"] for parameter in definition["Parameters"]}
    assert {"MinMap50"} == {"MinMap", "MinMap50", "MinVocMap", "MaxCountMae"} & names
    (step,) = (step for step in definition["Steps"] if step["Name"] == "Evaluate")
    assert thresholds(step, "--minimum") == {"map_50": "Parameters.MinMap50"}


def test_without_any_the_options_are_left_out(evaluate: Evaluate) -> None:
    step = evaluate("gate.thresholds={map: null, map_50: null, voc_map: null}")
    strings = {item for item in arguments(step) if isinstance(item, str)}
    assert not {"--minimum", "--maximum", "--min-improvement"} & strings


def test_as_much_as_can_be_asked_is_within_the_apis_limits(evaluate: Evaluate) -> None:
    """ContainerArguments: at most 100, each of at most 256 characters (CreateProcessingJob)."""
    thresholds = ", ".join(f"per_class.{'x' * 200}{n}.recall: {{min: 0.8, max: 0.9}}" for n in range(20))
    gains = ", ".join(f"per_class.{'x' * 200}{n}.recall: -0.123456789" for n in range(20))
    given = arguments(
        evaluate(
            f"gate.thresholds={{{thresholds}}}",
            f"gate.min_improvement_over_champion={{{gains}}}",
            "evaluate.threshold={rule: recall, target: 0.9, per_class: true}",
            "evaluate.slices=[a, b, c, d]",
            "tracking.mlflow=https://mlflow.example.com",
        )
    )
    assert len(given) <= 100
    assert all(len(item) <= 256 for item in given if isinstance(item, str))


def test_the_champion_is_looked_for_in_the_group_and_never_in_the_cache(evaluate: Evaluate) -> None:
    step = evaluate("registry.group=detectors")
    assert values(step, "--champion-group") == ["detectors"]
    assert "CacheConfig" not in step, "the registry may have changed, of which a cache key knows nothing"


def test_it_is_told_what_the_report_says_of_the_models_origin(evaluate: Evaluate) -> None:
    step = evaluate()
    assert values(step, "--execution") == [{"Get": "Execution.PipelineExecutionArn"}]
    assert values(step, "--input-manifest") == [{"Get": "Parameters.InputManifest"}]
    assert values(step, "--training-job") == [{"Get": "Steps.Train.TrainingJobName"}]


def test_without_a_network_nobody_looks_for_champion_and_training_log(evaluate: Evaluate) -> None:
    step = evaluate(
        "aws.network={subnets: [subnet-0a], security_groups: [sg-0b], isolation: true}",
        "processing.image_uri=123456789012.dkr.ecr.us-east-1.amazonaws.com/jobs:1",
        "processing.requirements=preinstalled",
        "prepare.check_images=none",
    )
    assert {"--champion-group", "--training-job"}.isdisjoint(map(str, arguments(step)))


def test_how_the_threshold_is_chosen_and_intervals_are_made_is_handed_on(evaluate: Evaluate) -> None:
    step = evaluate(
        "evaluate.threshold={rule: recall, target: 0.9, per_class: true}",
        "evaluate.intervals={resamples: 200, level: 0.9, seed: 7}",
    )
    assert values(step, "--threshold-rule") == ["recall"]
    assert values(step, "--threshold-target") == ["0.9"]
    assert "--per-class-threshold" in arguments(step)
    assert (values(step, "--resamples"), values(step, "--interval-level")) == (["200"], ["0.9"])
    assert values(step, "--interval-seed") == ["7"]


def test_the_keys_to_slice_by_are_handed_on(evaluate: Evaluate) -> None:
    assert values(evaluate("evaluate.slices=[camera, site]"), "--slices") == ["camera", "site"]
    assert "--slices" not in arguments(evaluate())


def test_where_the_run_is_logged_is_handed_on_where_the_job_does_it(evaluate: Evaluate) -> None:
    server = "tracking.mlflow=https://mlflow.example.com"
    uri = "https://mlflow.example.com"
    assert values(evaluate(server, "pipeline.name=bolts"), "--mlflow") == [uri, "bolts"]
    assert values(evaluate(server, "tracking.experiment=team/bolts"), "--mlflow") == [uri, "team/bolts"]
    assert "--mlflow" not in arguments(evaluate(server, "tracking.at=command"))
    assert "--mlflow" not in arguments(evaluate())
