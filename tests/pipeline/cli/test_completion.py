"""What the shell completes: setting keys, pipeline parameters and steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.cli.options import complete_step


@pytest.mark.parametrize(
    ("words", "offered", "not_offered"),
    [
        pytest.param("groundloop logs Tr", "Train", "Prepare", id="a step"),
        pytest.param("groundloop start -p Epo", "Epochs=", "MinMap", id="a pipeline parameter"),
        pytest.param("groundloop plan --set training.hyper", "training.hyperparameters.epochs=", "aws", id="a setting"),
        pytest.param("groundloop pl", "plan", "predict", id="a command"),
    ],
)
def test_it_completes(words: str, offered: str, not_offered: str) -> None:
    environment = {"_GROUNDLOOP_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    shown = CliRunner().invoke(app, [], prog_name="groundloop", env=environment).output
    assert offered in shown
    assert not_offered not in shown


def test_it_offers_the_steps_that_have_jobs(define: Callable[..., Any]) -> None:
    predicts = define("predict.input=s3://groundloop-local/photos", predict=True)
    monitors = define("deploy.endpoint.data_capture_percent=100", monitor=True)
    nodes: list[Any] = [define()["Steps"], define(deploy=True)["Steps"], predicts["Steps"], monitors["Steps"]]
    names = set()
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict) and node.get("Type") in {"Processing", "Training", "Transform"}:
            names.add(node["Name"])
        nodes += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    assert set(complete_step("")) == names
