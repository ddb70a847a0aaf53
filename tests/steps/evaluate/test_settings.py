"""What the configuration refuses before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundloop.errors import ConfigError
from pipeline.config import Config, load_config

LOCAL = Path(__file__).resolve().parents[3] / "configs" / "local.yaml"


def load(*assignments: str) -> Config:
    return load_config([LOCAL], assignments, environment={})


def test_requirements_and_gains_are_taken_over() -> None:
    gate = load(
        'gate.require=["per_class.usb-c.recall >= 0.8", "count.mae <= 0.5"]',
        "gate.min_improvement_over_champion={map_50: 0.01}",
    ).gate
    assert gate.require == ["per_class.usb-c.recall >= 0.8", "count.mae <= 0.5"]
    assert gate.min_improvement_over_champion == {"map_50": 0.01}
    assert load().gate.count_mae == -1


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        pytest.param(['gate.require=["map_50 > 0.6"]'], "gate.require.0: 'map_50 > 0.6': write FIGURE", id="syntax"),
        pytest.param(['gate.require=["map_50 >= 60"]'], "map_50 lies between 0 and 1", id="a percentage"),
        pytest.param(['gate.require=["map50 >= 0.6"]'], "did you mean map_50?", id="a misspelt figure"),
        pytest.param(
            [f'gate.require=["per_class.{"x" * 250}.ap >= 0"]'], "a job's argument holds 256", id="a long argument"
        ),
        pytest.param(
            [f"gate.require=[{', '.join(['map >= 0'] * 41)}]"], "at most 40 items", id="more than arguments can hold"
        ),
        pytest.param(
            ['gate.require=["per_class.usb-d.recall >= 0.8"]', "labels.classes=[usb-c, v1.2 nut]"],
            "gate.require: 'per_class.usb-d.recall >= 0.8' is about 'usb-d', which labels.classes doesn't list; "
            "did you mean 'usb-c'?",
            id="a class that is not listed",
        ),
        pytest.param(
            ["gate.min_improvement_over_champion={per_class.nut.f1: 0}", "labels.classes=[bolt]"],
            "gate.min_improvement_over_champion: 'per_class.nut.f1' is about 'nut'",
            id="a gain of a class that is not listed",
        ),
        pytest.param(
            ["gate.min_improvement_over_champion={f2: 0}"], "there is no metric 'f2'", id="a gain of no figure"
        ),
        pytest.param(
            ["gate.min_improvement_over_champion={count.bias: 0}"], "neither more nor less", id="a gain of a bias"
        ),
        pytest.param(
            [f"gate.min_improvement_over_champion={{per_class.{'x' * 250}.f1: 0}}"],
            "a job's argument",
            id="a long gain",
        ),
        pytest.param(["gate.count_mae=-0.5"], "give 0 or more, or -1, which asks nothing", id="a negative error"),
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
    "figure",
    [
        pytest.param("per_class.v1.2 nut.recall", id="a dot and a space in the name"),
        pytest.param("count.per_class.usb-c.mae", id="a count"),
        pytest.param("map", id="of all classes"),
    ],
)
def test_figures_of_listed_classes_may_be_asked_for(figure: str) -> None:
    load(f'gate.require=["{figure} >= 0.1"]', "labels.classes=[usb-c, v1.2 nut]")
