"""`groundloop check` as it is seen: lines, JSON, exit codes, and what it says of files that are not a definition."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from groundloop.errors import UserError
from pipeline.cli import check as check_module
from pipeline.cli.check import check

Definition = dict[str, Any]
LOCAL = Path(__file__).resolve().parents[3] / "configs" / "local.yaml"


APP = typer.Typer(rich_markup_mode=None)
APP.command()(check)


def run(*arguments: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(APP, list(arguments), input=stdin)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def valid_file(tmp_path: Path, define: Callable[..., Definition]) -> Path:
    path = tmp_path / "definition.json"
    path.write_text(json.dumps(define()), encoding="utf-8")
    return path


@pytest.fixture
def faulty(tmp_path: Path, define: Callable[..., Definition]) -> Path:
    """One error and one warning."""
    definition = define()
    arguments = definition["Steps"][1]["Arguments"]
    arguments["AlgorithmSpecification"]["TrainingInputMode"] = "pipe"
    del arguments["InputDataConfig"][0]["ShuffleConfig"]
    path = tmp_path / "faulty.json"
    path.write_text(json.dumps(definition), encoding="utf-8")
    return path


ERROR = (
    'error    Train: Arguments.AlgorithmSpecification.TrainingInputMode: "pipe" is not one of Pipe, File, FastFile; '
    'write "Pipe"'
)
WARNING = (
    "warning  Train: Arguments.InputDataConfig[0].ShuffleConfig: every epoch has the images in the manifest's order; "
    'add {"Seed": 1}'
)


def test_a_valid_file_is_one_line(valid_file: Path) -> None:
    result = run(str(valid_file))
    assert result.exit_code == 0
    assert result.output == f"{valid_file}: no findings\n0 errors, 0 warnings\n"


def test_a_faulty_file_is_a_line_for_each_finding(faulty: Path) -> None:
    result = run(str(faulty))
    assert result.exit_code == 1
    assert result.output.splitlines() == [str(faulty), f"  {ERROR}", f"  {WARNING}", "1 error, 1 warning"]


def test_on_a_terminal_lines_end_at_its_width(faulty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for width in (80, 120):
        monkeypatch.setattr(check_module, "terminal_width", lambda width=width: width)
        lines = run(str(faulty)).output.splitlines()
        assert all(len(line) <= width for line in lines[1:])
        assert " ".join(line.strip() for line in lines[1:-1]) == f"{ERROR} {WARNING}"
        assert all(line.startswith(("  error ", "  warning ", " " * 11)) for line in lines[1:-1])


def test_warnings_alone_are_no_failure(tmp_path: Path, define: Callable[..., Definition]) -> None:
    definition = define()
    definition["Parameters"].append({"Name": "Nothing", "Type": "String", "DefaultValue": "x"})
    path = tmp_path / "warned.json"
    path.write_text(json.dumps(definition), encoding="utf-8")
    result = run(str(path))
    assert result.exit_code == 0
    assert result.output.endswith("0 errors, 1 warning\n")


def test_json_is_one_object_of_a_fixed_form(faulty: Path) -> None:
    result = run(str(faulty), "--json")
    assert result.exit_code == 1
    found = json.loads(result.output)
    assert list(found) == ["format", "errors", "warnings", "definitions"]
    assert (found["format"], found["errors"], found["warnings"]) == (1, 1, 1)
    (definition,) = found["definitions"]
    assert definition["definition"] == str(faulty)
    assert definition["findings"][0] == {
        "code": "not-in-enum",
        "step": "Train",
        "path": "Arguments.AlgorithmSpecification.TrainingInputMode",
        "message": '"pipe" is not one of Pipe, File, FastFile',
        "remedy": 'write "Pipe"',
        "severity": "error",
    }


def test_without_a_file_both_our_pipelines_are_checked() -> None:
    result = run("--config", str(LOCAL), "--set", "deploy.mode=on_approval")
    assert result.exit_code == 0
    assert result.output == "groundloop: no findings\ngroundloop-deploy: no findings\n0 errors, 0 warnings\n"


def test_the_deploy_pipeline_is_left_out_when_it_is_not_made() -> None:
    assert run("--config", str(LOCAL), "--set", "deploy.mode=never").output.startswith("groundloop: no findings\n0 ")


def test_the_predict_pipeline_is_checked_where_there_is_one() -> None:
    result = run("--config", str(LOCAL), "--set", "predict.input=s3://photos/new/")
    assert "groundloop-predict: no findings\n" in result.output


def test_an_answer_of_describe_pipeline_is_taken(tmp_path: Path, valid_file: Path) -> None:
    path = tmp_path / "described.json"
    path.write_text(json.dumps({"PipelineName": "p", "PipelineDefinition": valid_file.read_text(encoding="utf-8")}))
    assert "no findings" in run(str(path)).output


def test_standard_input_is_taken(valid_file: Path) -> None:
    assert run("-", stdin=valid_file.read_text(encoding="utf-8")).output.startswith("-: no findings")


def test_a_sample_of_a_property_file_is_looked_into(tmp_path: Path, valid_file: Path) -> None:
    sample = tmp_path / "summary.json"
    sample.write_text(json.dumps({"training": {"num_classes": "3", "label_width": "350"}}))
    result = run(str(valid_file), "--sample", f"Prepare.Summary={sample}")
    assert result.exit_code == 1
    assert '"training.num_training_samples"' in result.output


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("{", "line 1, column 2: not JSON", id="no JSON"),
        pytest.param('{\n "Steps": [],\n "Steps": []}', "the key 'Steps' appears twice", id="key given twice"),
        pytest.param("[]", "not a pipeline definition", id="no object"),
        pytest.param('{"PipelineDefinition": "[1]"}', "not a pipeline definition", id="no object inside"),
        pytest.param("[" * 100_000, "not JSON", id="nested too deep"),
    ],
)
def test_what_is_no_definition_is_one_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(content)
    with pytest.raises(UserError) as caught:
        run(str(path))
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["missing.json"], "missing.json: can't be read: No such file", id="no file"),
        pytest.param(["x.json", "--set", "a=1"], "either a FILE or --config and --set", id="file and configuration"),
        pytest.param(["x.json", "--sample", "Summary"], "write Step.PropertyFile=FILE", id="sample without a file"),
        pytest.param(["x.json", "--sample", "A.B=none.json"], "none.json: can't be read", id="sample not there"),
    ],
)
def test_mistakes_on_the_command_line(arguments: list[str], message: str) -> None:
    with pytest.raises(UserError) as caught:
        run(*arguments)
    assert message in str(caught.value)


def test_help_has_an_example() -> None:
    assert "Example: groundloop check definition.json" in run("--help").output
