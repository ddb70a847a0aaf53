"""What `start` says of a search on the offline AWS, by the definition that is deployed there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from groundloop.local.jobs.tuning_notes import SEARCH_NOTE
from pipeline import offline_search
from pipeline.offline_search import offline_search_notes

IMAGE = {"TrainingImage": "433757028032.dkr.ecr.us-west-2.amazonaws.com/object-detection:1"}
IGNORED = "tuning optimizer changes nothing offline: the stand-in for the training image ignores it"


def tune(name: Any = "optimizer", **job: Any) -> dict[str, Any]:
    ranges = {"CategoricalParameterRanges": [{"Name": name, "Values": ["sgd", "adam"]}]}
    arguments = {"HyperParameterTuningJobConfig": {"ParameterRanges": ranges}, "TrainingJobDefinition": job}
    return {"Name": "Tune", "Type": "Tuning", "Arguments": arguments}


@pytest.mark.parametrize(
    ("steps", "endpoint", "notes"),
    [
        pytest.param(
            [tune(AlgorithmSpecification=IMAGE)], "http://127.0.0.1:5000", [SEARCH_NOTE, IGNORED], id="search"
        ),
        pytest.param([tune(AlgorithmSpecification=IMAGE)], None, [], id="on AWS"),
        pytest.param([], "http://127.0.0.1:5000", [], id="no search"),
        pytest.param([tune()], "http://127.0.0.1:5000", [SEARCH_NOTE], id="no image"),
        pytest.param(
            [tune({"Get": "Parameters.Name"}, AlgorithmSpecification=IMAGE)],
            "http://127.0.0.1:5000",
            [SEARCH_NOTE],
            id="a name that an execution gives",
        ),
    ],
)
def test_a_stand_in_is_named_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, steps: list[Any], endpoint: str | None, notes: list[str]
) -> None:
    class SageMaker:
        def describe_pipeline(self, **_: Any) -> dict[str, str]:
            return {"PipelineDefinition": json.dumps({"Version": "2020-12-01", "Steps": steps})}

    monkeypatch.setattr(offline_search, "client", lambda *_: SageMaker())
    monkeypatch.setattr(offline_search, "offline_endpoint", lambda: endpoint)
    assert offline_search_notes("us-east-1", "p") == notes
