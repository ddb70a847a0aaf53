"""What the configuration refuses before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundloop.errors import ConfigError
from pipeline.config import Config, load_config

LOCAL = Path(__file__).resolve().parents[3] / "configs" / "local.yaml"


def load(*assignments: str) -> Config:
    return load_config([LOCAL], assignments, environment={})


def test_an_overlay_changes_single_thresholds() -> None:
    gate = load("gate.thresholds={map: null, count.mae: 0.5}", "gate.thresholds.per_class.usb-c.recall=0.8").gate
    assert [str(requirement) for requirement in gate.requirements] == [
        "count.mae <= 0.5",
        "per_class.usb-c.recall >= 0.8",
    ]


def test_a_threshold_of_null_is_disabled(tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("gate: {thresholds: {map: null, count.bias: {min: -0.5, max: 0.5}}}\n")
    gate = load_config([LOCAL, overlay], environment={}).gate
    assert [str(requirement) for requirement in gate.requirements] == [
        "map_50 >= 0",
        "voc_map >= 0",
        "count.bias >= -0.5",
        "count.bias <= 0.5",
    ]


def test_an_environment_variable_sets_a_metric_with_dots() -> None:
    gate = load_config([LOCAL], environment={"GROUNDLOOP__GATE__THRESHOLDS__COUNT__MAE": "0.5"}).gate
    assert gate.thresholds["count.mae"] == 0.5


def test_the_minimum_improvement_is_by_metric() -> None:
    gate = load("gate.min_improvement_over_champion.count.mae=0.1").gate
    assert gate.min_improvement_over_champion == {"count.mae": 0.1}


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        pytest.param(
            ["gate.thresholds.map_50=high"],
            "gate.thresholds.map_50 must be a number, got 'high'",
            id="a word",
        ),
        pytest.param(["gate.thresholds.map_50=60"], "map_50 lies between 0 and 1", id="a percentage"),
        pytest.param(["gate.thresholds.map50=0.6"], "did you mean map_50?", id="a misspelt metric"),
        pytest.param(["gate.thresholds.map50=null"], "did you mean map_50?", id="a misspelt metric that is disabled"),
        pytest.param(["gate.thresholds.count.mae=-0.5"], "is an error and never negative", id="a negative error"),
        pytest.param(
            ["gate.thresholds.count.bias=0.5"], "so write {min: NUMBER} or {max: NUMBER}", id="a number of no direction"
        ),
        pytest.param(["gate.thresholds={map: {}}"], "gate.thresholds.map: give min, max or both", id="an empty range"),
        pytest.param(
            ["gate.thresholds={count.bias: {min: 1, max: 0}}"],
            "gate.thresholds.count.bias: min 1 is over max 0",
            id="a range of nothing",
        ),
        pytest.param(
            ["gate.thresholds={map: {most: 1}}"], "unknown key gate.thresholds.map.most", id="no bound of a range"
        ),
        pytest.param(
            [f"gate.thresholds={{per_class.{'x' * 250}.ap: 0.5}}"],
            "an argument of a job holds 256",
            id="a long argument",
        ),
        pytest.param(
            [f"gate.thresholds={{{', '.join(f'per_class.c{n}.ap: 0' for n in range(41))}}}"],
            "41 thresholds are more than the 40",
            id="more than arguments can hold",
        ),
        pytest.param(
            ["gate.thresholds.per_class.usb-d.recall=0.8", "labels.classes=[usb-c, v1.2 nut]"],
            "gate.thresholds: 'per_class.usb-d.recall' is a metric of 'usb-d', which labels.classes doesn't list; "
            "did you mean 'usb-c'?",
            id="a class that is not listed",
        ),
        pytest.param(
            ["gate.min_improvement_over_champion={per_class.nut.f1: 0}", "labels.classes=[bolt]"],
            "gate.min_improvement_over_champion: 'per_class.nut.f1' is a metric of 'nut'",
            id="an improvement of a class that is not listed",
        ),
        pytest.param(
            ["gate.min_improvement_over_champion={f2: 0}"], "there is no metric 'f2'", id="an improvement of no metric"
        ),
        pytest.param(
            ["gate.min_improvement_over_champion={count.bias: 0}"], "neither more nor less", id="a gain of a bias"
        ),
        pytest.param(
            [f"gate.min_improvement_over_champion={{per_class.{'x' * 250}.f1: 0}}"],
            "an argument of a job",
            id="a long improvement",
        ),
        pytest.param(["evaluate.threshold.rule=recall"], "rule recall needs a target", id="a rule without its target"),
        pytest.param(["evaluate.threshold.target=0.9"], "best_f1 takes none", id="a target without its rule"),
        pytest.param(
            [
                "gate.min_improvement_over_champion={map: 0}",
                "aws.network={subnets: [s], security_groups: [g], isolation: true}",
                "processing.image_uri=123456789012.dkr.ecr.us-east-1.amazonaws.com/jobs:1",
                "processing.requirements=preinstalled",
                "prepare.check_images=none",
            ],
            "leaves Evaluate without a network, so it can't read the registry",
            id="a champion out of reach",
        ),
    ],
)
def test_what_would_fail_only_after_training_is_refused_at_once(assignments: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(*assignments)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "metric",
    [
        pytest.param("per_class.v1.2 nut.recall", id="a dot and a space in the name"),
        pytest.param("count.per_class.usb-c.mae", id="a count"),
        pytest.param("map", id="of all classes"),
    ],
)
def test_metrics_of_listed_classes_may_have_thresholds(metric: str) -> None:
    load(f"gate.thresholds={{{metric}: 0.1}}", "labels.classes=[usb-c, v1.2 nut]")


def test_a_threshold_may_be_of_a_slice() -> None:
    gate = load(
        "evaluate.slices=[camera, capture.site]", "gate.thresholds={slices.capture.site.St. Pölten.count.mae: 2}"
    ).gate
    assert "slices.capture.site.St. Pölten.count.mae <= 2" in map(str, gate.requirements)


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        pytest.param(
            ["gate.thresholds={slices.camra.A.recall: 0.8}"],
            "the metrics aren't sliced by 'camra'; did you mean 'camera'?",
            id="a misspelt key",
        ),
        pytest.param(
            ["gate.thresholds={slices.site.A.recall: 0.8}"],
            "'site'; add it to evaluate.slices, which has camera",
            id="another key",
        ),
        pytest.param(
            ["gate.thresholds={slices.camera=A.recall: 0.8}"], "write slices.camera.A.recall, with dots", id="equals"
        ),
        pytest.param(
            ["gate.thresholds={slices.camera.A.ap: 0.8}"],
            "write slices.camera.VALUE.METRIC; the metrics of a slice are map, map_50,",
            id="a metric that slices don't have",
        ),
        pytest.param(["gate.thresholds={slices.camera.recall: 0.8}"], "write slices.camera.VALUE", id="no value"),
        pytest.param(
            ["gate.min_improvement_over_champion={slices.camera.A.recall: 0}"],
            "the champion is compared on all images together",
            id="an improvement",
        ),
        pytest.param(["evaluate.slices=[camera, camera]"], "'camera' is listed twice", id="twice"),
        pytest.param(["evaluate.slices=[a, b, c, d, e, f]"], "evaluate.slices", id="too many"),
        pytest.param(["evaluate.slices=[source-ref]"], "each image has a source-ref of its own", id="source-ref"),
        pytest.param(["evaluate.slices=[--output]"], "that doesn't begin with a dash", id="an option"),
        pytest.param(["evaluate.slices=['']"], "'' can't be sliced by", id="empty"),
    ],
)
def test_slices_that_cannot_be(assignments: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load("evaluate.slices=[camera]", *assignments)
    assert message in str(raised.value)


APP = "arn:aws:sagemaker:{}:{}:mlflow-app/app-ABC123"


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        pytest.param(["tracking.mlflow=mlruns"], "'mlruns' is not a tracking URI", id="a folder"),
        pytest.param(["tracking.mlflow=sqlite:///m.db"], "a job on AWS can't reach sqlite:///m.db", id="a file"),
        pytest.param(["tracking.mlflow=https://a:b@h"], "set MLFLOW_TRACKING_USERNAME", id="a password"),
        pytest.param(
            [f"tracking.mlflow={APP.format('eu-west-1', '000000000000')}"], "is in eu-west-1, but the", id="region"
        ),
        pytest.param(
            [f"tracking.mlflow={APP.format('us-east-1', '444455556666')}"], "is of account 444455556666", id="account"
        ),
        pytest.param(["tracking.experiment=' bolts'"], "begins or ends with a blank", id="experiment"),
        pytest.param(["tracking.at=train"], "tracking.at", id="where"),
    ],
)
def test_tracking_that_cannot_be(assignments: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(*assignments)
    assert message in str(raised.value)


def test_a_command_may_log_anywhere() -> None:
    app = APP.format("eu-west-1", "444455556666")
    assert load(f"tracking={{mlflow: '{app}', at: command}}").tracking.mlflow == app
    assert load("tracking={mlflow: 'sqlite:///m.db', at: command}").tracking.in_job is False
