"""A plan's file is applied as it was shown, or refused with the reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundloop.aws import client
from groundloop.errors import UserError
from pipeline.config import Config
from pipeline.plan import saved_plan as saved
from pipeline.plan.planning import make_plan
from pipeline.plan.saved_plan import apply_plan, load_plan, save_plan
from tests.pipeline.plan.conftest import Memory

Configured = Callable[..., Config]


@pytest.fixture
def file(deployed: Any, memory: Memory, configured: Configured, tmp_path: Path) -> Path:
    """A plan to train 80 epochs."""
    path = tmp_path / "plan.json"
    if memory.plan is None:
        save_plan(make_plan(configured("training.hyperparameters.epochs=80")), path)
        memory.plan = path.read_bytes()
    path.write_bytes(memory.plan)
    return path


def epochs(sagemaker: Any) -> Any:
    definition = json.loads(sagemaker.describe_pipeline(PipelineName="groundloop")["PipelineDefinition"])
    return next(p["DefaultValue"] for p in definition["Parameters"] if p["Name"] == "Epochs")


def test_it_is_applied_as_shown(deployed: Any, file: Path, configured: Configured) -> None:
    assert [(done.name, done.action) for done in apply_plan(load_plan(file))] == [
        ("groundloop", "updated"),
        ("groundloop-deploy", "unchanged"),
    ]
    assert epochs(deployed) == 80
    assert not make_plan(configured("training.hyperparameters.epochs=80")).differs


def test_in_an_empty_account_it_makes_all(aws: Any, configured: Configured, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    save_plan(make_plan(configured()), path)
    assert [done.action for done in apply_plan(load_plan(path))] == ["created", "created"]
    listed = client("s3", "us-east-1").list_objects_v2(Bucket="groundloop-local", Prefix="groundloop/code/")
    assert len(listed["Contents"]) == 3


def test_the_whole_configuration_is_kept(aws: Any, configured: Configured, tmp_path: Path) -> None:
    config = configured(
        "triggers.schedules={weekly: {at: 'cron(0 3 ? * MON *)', parameters: {Epochs: '40'}}}",
        "deploy.endpoint.additional_variants=[{name: Challenger, package: 7, weight: 0.1}]",
        "costs.hourly_usd={ml.g4dn.xlarge: 3.825}",
        "labels.additional_sources=[{uri: s3://groundloop-local/more.manifest}]",
        "execution.retry.job=null",
    )
    save_plan(make_plan(config), tmp_path / "plan.json")
    assert load_plan(tmp_path / "plan.json").config == config


def test_the_same_plan_gives_the_same_file(deployed: Any, configured: Configured, file: Path, tmp_path: Path) -> None:
    save_plan(make_plan(configured("training.hyperparameters.epochs=80")), tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("move", "message"),
    [
        pytest.param(
            lambda aws: aws.update_pipeline(PipelineName="groundloop", PipelineDescription="x"),
            "pipeline groundloop was changed at",
            id="another upsert",
        ),
        pytest.param(
            lambda aws: aws.delete_pipeline(PipelineName="groundloop-deploy", ClientRequestToken="a" * 32),
            "pipeline groundloop-deploy was deleted",
            id="a pipeline is gone",
        ),
        pytest.param(
            lambda _: client("events", "us-east-1").disable_rule(Name="groundloop-approval"),
            "rule groundloop-approval was changed",
            id="a trigger was switched off",
        ),
        pytest.param(
            lambda aws: aws.add_tags(
                ResourceArn=aws.describe_pipeline(PipelineName="groundloop")["PipelineArn"],
                Tags=[{"Key": "team", "Value": "x"}],
            ),
            "pipeline groundloop was changed at",
            id="a tag",
        ),
    ],
)
def test_it_is_refused_when_aws_has_moved(deployed: Any, file: Path, move: Callable[[Any], Any], message: str) -> None:
    move(deployed)
    with pytest.raises(UserError) as refused:
        apply_plan(load_plan(file))
    assert str(refused.value).startswith("AWS has changed since the plan was made, so it was not applied")
    assert message in str(refused.value)
    assert epochs(deployed) == 16, "nothing was changed"


def test_an_execution_meanwhile_does_not_matter(deployed: Any, file: Path) -> None:
    deployed.start_pipeline_execution(PipelineName="groundloop")
    assert apply_plan(load_plan(file))[0].action == "updated"


def test_it_is_refused_for_another_account(deployed: Any, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.plan.deployed_state.caller_account", lambda _: "999900001111")
    with pytest.raises(UserError, match="is for account 123456789012, these credentials are of account 999900001111"):
        apply_plan(load_plan(file))


def test_it_is_refused_when_the_code_is_another(deployed: Any, file: Path, edit: Callable[[str], None]) -> None:
    edit("evaluate")
    with pytest.raises(UserError, match="the code of evaluate differs from the code that the plan was made with"):
        apply_plan(load_plan(file))
    assert epochs(deployed) == 16


def test_it_is_refused_when_the_program_makes_other_triggers(
    deployed: Any, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved, "desired_rules", lambda _: {})
    with pytest.raises(UserError, match="the triggers that this program would create differ from those of the plan"):
        apply_plan(load_plan(file))


def edited(key: str, value: Any) -> Callable[[bytes], bytes]:
    return lambda content: json.dumps({**json.loads(content), key: value}).encode()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda content: content[:-200], "is not a plan: it is not JSON, or truncated", id="cut short"),
        pytest.param(lambda _: b"{}", "is not a plan from `groundloop plan --out`", id="other JSON"),
        pytest.param(lambda _: b"[1]", "is not a plan from `groundloop plan --out`", id="a list"),
        pytest.param(
            lambda content: content.replace(b"ml.g4dn.xlarge", b"ml.g4dn.2xlarge"),
            "was edited or is damaged",
            id="edited",
        ),
        pytest.param(edited("groundloop", "0.0.9"), "was made by groundloop 0.0.9", id="another version"),
        pytest.param(edited("format", 2), r"\(format 2\), this is", id="another format"),
        pytest.param(edited("groundloop", None), "was made by groundloop None", id="no version"),
    ],
)
def test_a_file_that_is_not_as_it_was_made_is_refused(
    file: Path, damage: Callable[[bytes], bytes], message: str
) -> None:
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UserError, match=message):
        load_plan(file)


def test_a_whole_file_of_other_sources_is_refused(file: Path) -> None:
    content = json.loads(file.read_text())
    content["config"]["unheard_of"] = 1
    del content["sha256"]
    content["sha256"] = saved._digest(content)
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match="was made by another build of this program"):
        load_plan(file)


def test_files_that_cannot_be_read_or_written_are_told(deployed: Any, configured: Configured, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="can't be read: No such file"):
        load_plan(tmp_path / "none.json")
    with pytest.raises(UserError, match=r"--out .* can't be written: No such file"):
        save_plan(make_plan(configured()), tmp_path / "none" / "plan.json")
