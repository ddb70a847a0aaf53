"""Files, environment and `--set` become one configuration; every mistake is one line that says what to do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from groundloop.errors import ConfigError
from pipeline.config import Config, load_config
from pipeline.config.loading import load_with_origins, unknown_variables

CONFIGS = Path(__file__).resolve().parents[3] / "configs"
LOCAL = CONFIGS / "local.yaml"


def test_base_yaml_names_every_setting_with_its_default() -> None:
    """What base.yaml says is what the models say: a setting that is missing there could not be found."""
    required = {"aws": {"role", "bucket"}, "labels": {"manifest"}}

    def compare(written: dict[str, Any], model: dict[str, Any], path: str = "") -> None:
        assert set(written) == set(model) - required.get(path, set()), path
        for key, value in written.items():
            if isinstance(value, dict) and isinstance(model[key], dict):
                compare(value, model[key], key if not path else f"{path}.{key}")
            else:
                assert value == model[key], f"{path}.{key}"

    base = yaml.safe_load((CONFIGS / "base.yaml").read_text())
    minimal = {
        "aws": {"role": "arn:aws:iam::123456789012:role/r", "bucket": "bucket"},
        "labels": {"manifest": "s3://bucket/m"},
    }
    compare(base, Config.model_validate(minimal).model_dump(mode="json"))


def test_base_yaml_comments_each_setting() -> None:
    lines = (CONFIGS / "base.yaml").read_text().splitlines()
    uncommented = [
        line.strip()
        for line in lines
        if ":" in line and "#" not in line and line.split(":", 1)[1].strip() and not line.startswith("#")
    ]
    assert uncommented == [
        "description: Ground Truth labels to a registered object detector.",
        "instance_count: 1",
        "inference_instance_types: [ml.m5.xlarge, ml.m5.2xlarge, ml.c5.xlarge, ml.g4dn.xlarge]",
        "transform_instance_types: [ml.m5.xlarge, ml.m5.2xlarge, ml.g4dn.xlarge]",
        "instance_count: 1",
    ]


@pytest.mark.parametrize(
    ("overlay", "instance_type"), [("local.yaml", "ml.g4dn.xlarge"), ("prod.yaml", "ml.g4dn.xlarge")]
)
def test_each_overlay_makes_a_whole_configuration(overlay: str, instance_type: str) -> None:
    assert load_config([CONFIGS / overlay], environment={}).training.instance_type == instance_type


def test_later_sources_win(tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("training: {hyperparameters: {epochs: 5, mini_batch_size: 4}}\n")
    environment = {
        "GROUNDLOOP__TRAINING__HYPERPARAMETERS__MINI_BATCH_SIZE": "2",
        "GROUNDLOOP__PREPARE__SPLIT__SEED": "9",
    }
    config = load_config([LOCAL, overlay], ["prepare.split.seed=11"], environment)
    chosen = config.training.hyperparameters
    assert (chosen.epochs, chosen.mini_batch_size, config.prepare.split.seed) == (5, 2, 11)
    assert config.training.learning_rate == 0.001, "what no source names keeps its default"


def test_the_environment_can_name_the_overlay() -> None:
    assert load_config(environment={"GROUNDLOOP_CONFIG": str(LOCAL)}).deploy.mode == "on_pass"


def test_the_environment_can_name_several_overlays(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("deploy: {mode: never}\n")
    environment = {"GROUNDLOOP_CONFIG": f"{LOCAL}{os.pathsep}{mine}"}
    assert load_config(environment=environment).deploy.mode == "never"


def test_an_overlay_given_by_hand_replaces_the_environments() -> None:
    environment = {"GROUNDLOOP_CONFIG": str(LOCAL)}
    assert load_config([CONFIGS / "prod.yaml"], environment=environment).deploy.mode == "on_approval"


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        pytest.param(
            "training.hyperparameters.epoch=3",
            "unknown key training.hyperparameters.epoch; did you mean epochs?",
            id="a misspelt key names the near one",
        ),
        pytest.param(
            "aws.xyz=3", "unknown key aws.xyz; there are: region, account, role,", id="an unlike key lists what is"
        ),
        pytest.param("predict.max_payload_mb=0", "predict.max_payload_mb must be at least 1, got 0", id="out of range"),
        pytest.param("gate.thresholds.map=high", "gate.thresholds.map must be a number, got 'high'", id="in a union"),
        pytest.param("training.hyperparameters.learning_rate=fast", "must be a number, got 'fast'", id="wrong type"),
        pytest.param(
            "training.instance_type=ml.p3.2xlarg",
            "training.instance_type must be one of the supported values (did you mean 'ml.p3.2xlarge'?), got 'ml.p",
            id="a misspelt instance type names the near one",
        ),
        pytest.param(
            "training.instance_type=t3",
            "training.instance_type must be 'ml.g4dn.xlarge', 'ml.g4dn.2xlarge'",
            id="an unlike instance type lists those that there are",
        ),
        pytest.param("training.input_mode=File", "must be 'Pipe', got 'File'", id="no other input mode"),
        pytest.param(
            "aws.role=admin", "aws.role must be the ARN of a role, such as arn:aws:iam:", id="a role is an ARN"
        ),
        pytest.param(
            "aws.bucket=My_Bucket", "aws.bucket must be a bucket name (3 to 63 lowercase", id="a bucket's name"
        ),
        pytest.param("labels.manifest=output.manifest", "labels.manifest must be an S3 URI with a key", id="not in S3"),
        pytest.param("training.hyperparameters.epochs=many", "epochs must be an integer, got 'many'", id="no integer"),
        pytest.param(
            "evaluate.threshold.per_class=some", "per_class must be true or false, got 'some'", id="no boolean"
        ),
        pytest.param("training=null", "training must be a section of settings, got null", id="a section set to null"),
        pytest.param("labels.classes=nut", "labels.classes must be a list, got 'nut'", id="no list"),
        pytest.param(
            "training.hyperparameters.lr_scheduler_step=[40, 50]",
            'lr_scheduler_step must be text (write it as "40,50"), got [40, 50]',
            id="a list of epochs",
        ),
        pytest.param(
            "prepare.train_negatives=off",
            "prepare.train_negatives must be 'drop' or 'keep', got 'off'",
            id="a word that YAML reads as a boolean",
        ),
        pytest.param("aws.account=1111", "aws.account must be an account ID of 12 digits", id="an account ID"),
        pytest.param(
            "training.epochs=3",
            "unknown key training.epochs; did you mean training.hyperparameters.epochs?",
            id="a key of a deeper section",
        ),
        pytest.param(
            "triggers.schedules={weekly: {at: rate(7 days), enable: true}}",
            "unknown key triggers.schedules.weekly.enable; did you mean enabled?",
            id="a misspelt key of a named entry",
        ),
        pytest.param("aws.network.subnets=[subnet-1]", "subnets and security_groups go together", id="half a VPC"),
        pytest.param(
            "training.spot={enabled: true, max_wait_minutes: 10}",
            "spot.max_wait_minutes 10 must be at least max_runtime_minutes 360",
            id="spot waits no less than it runs",
        ),
        pytest.param(
            "training.hyperparameters.lr_scheduler_step='3,60'",
            "lr_scheduler_step '3,60' lies outside the run: epochs is 16",
            id="schedule outside the run",
        ),
        pytest.param("training.instance_count=2", "needs hyperparameters.kv_store", id="instances that can't talk"),
        pytest.param(
            "training.hyperparameters.mini_batch_size=65", "vgg-16 takes at most 64", id="batch too big for the GPU"
        ),
        pytest.param(
            "prepare.split={validation: 0.5, test: 0.5}", "leave nothing to train on", id="nothing left to train on"
        ),
        pytest.param("prepare.split.group={pattern: x, key: y}", "not by both: drop one", id="two ways to group"),
        pytest.param("prepare.split.group.pattern='('", "is not a regular expression", id="a pattern that is none"),
        pytest.param("predict.max_payload_mb=50", "Batch Transform takes at most 100", id="too much in flight"),
        pytest.param("aws.network.isolation=true", "pip can't install their requirements", id="isolated jobs and pip"),
        pytest.param("labels.classes=[cat, dog, cat]", "given twice: cat", id="a class twice"),
        pytest.param(
            "triggers.schedules={nightly: {at: rate(1 day), pipeline: predict}}",
            "triggers.schedules.nightly starts the predict pipeline, which does not exist without predict.input",
            id="a schedule of no pipeline",
        ),
        pytest.param("pipeline.deploy_name=groundloop", "they are two pipelines", id="two pipelines of one name"),
        pytest.param(
            "execution.cache.expire_after=30 days", "must be an ISO 8601 duration, such as", id="not an ISO duration"
        ),
        pytest.param("pipeline.name=has_underscore", "must be a name of at most 160 letters", id="a pipeline's name"),
        pytest.param(
            f"pipeline.name={'a' * 161}",
            "pipeline.name must have at most 160 characters",
            id="a pipeline's name whose executions' ARNs are too long for a model package's metadata",
        ),
        pytest.param(
            f"labels.manifest=s3://bucket/{'a' * 245}",
            "labels.manifest must have at most 256 characters",
            id="a manifest's URI too long for an argument of Prepare",
        ),
        pytest.param(
            "execution.retry.capacity={interval_seconds: 43201, max_attempts: 1}",
            "interval_seconds must be at most 43200, got 43201",
            id="a wait of more than 12 hours before a retry",
        ),
        pytest.param("evaluate.intervals.level=.nan", "level must be a finite number, got nan", id="not a number"),
        pytest.param("no-equals-sign", "write it as --set key.path=value", id="no value"),
        pytest.param("a.b=[1", "is not a YAML value", id="not YAML"),
    ],
)
def test_a_wrong_setting_is_refused(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config([LOCAL], [assignment], environment={})
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_an_error_names_file_and_line(tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("# mine\ntraining:\n  hyperparameters:\n    epochs: 0\n")
    with pytest.raises(ConfigError, match="epochs must be at least 1, got 0") as caught:
        load_config([LOCAL, overlay], environment={})
    assert str(caught.value).startswith(f"{overlay}:4: training.hyperparameters.epochs")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "aws: {account: 111122223333}", "aws.account must be text (put it in quotes), got 11", id="a number"
        ),
        pytest.param(
            "prepare: {train_negatives: off}",
            "must be 'drop' or 'keep' (YAML reads on, off, yes and no as true or false: put it in quotes), got false",
            id="a boolean",
        ),
    ],
)
def test_what_yaml_does_not_read_as_text_has_to_be_quoted(tmp_path: Path, text: str, message: str) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config([LOCAL, overlay], environment={})
    assert message in str(caught.value)


@pytest.mark.parametrize("account", ["111122223333", "012345670123", '"111122223333"'])
def test_a_text_from_the_command_line_or_the_environment_needs_no_quotes(account: str) -> None:
    assigned = load_config([LOCAL], [f"aws.account={account}"], environment={})
    given = load_config([LOCAL], environment={"GROUNDLOOP__AWS__ACCOUNT": account})
    assert {assigned.aws.account, given.aws.account} == {account.strip('"')}


def test_an_error_names_the_environment_variable() -> None:
    with pytest.raises(ConfigError, match=r"^environment variable GROUNDLOOP__TRAINING__EPOCHS: unknown key"):
        load_config([LOCAL], environment={"GROUNDLOOP__TRAINING__EPOCHS": "3"})


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config([CONFIGS / "base.yaml"], environment={})
    lines = str(caught.value).splitlines()
    assert [line.split(" is not set")[0] for line in lines] == ["aws.role", "aws.bucket", "labels.manifest"]
    assert "GROUNDLOOP__AWS__ROLE" in lines[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"a: [1", ":1: is not valid YAML", id="not YAML"),
        pytest.param(b"- a\n- b\n", "must be a mapping of settings, not a list", id="a list"),
        pytest.param(
            b"gate: {thresholds: {}}\ngate: {}\n", ":2: gate is given twice, first on line 1", id="a key twice"
        ),
        pytest.param(b"aws: {tags: {a: !!python/object/apply:os.getcwd []}}\n", "is not valid YAML", id="a Python tag"),
        pytest.param(b"\xff\xfe", "is not UTF-8", id="not text"),
        pytest.param(None, "no such file: ", id="no file"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    overlay = tmp_path / "broken.yaml"
    if content is not None:
        overlay.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config([LOCAL, overlay], environment={})
    assert message in str(caught.value)
    assert str(overlay) in str(caught.value)


def test_a_section_whose_settings_are_commented_out_changes_nothing(tmp_path: Path) -> None:
    overlay = tmp_path / "commented.yaml"
    overlay.write_text("training:\n  # volume_gb: 80\ngate:\n  thresholds:\n")
    assert load_config([LOCAL, overlay], environment={}) == load_config([LOCAL], environment={})


def test_null_still_switches_an_optional_section_off(tmp_path: Path) -> None:
    overlay = tmp_path / "no-retries.yaml"
    overlay.write_text("execution: {retry: {service: null}}\n")
    assert load_config([LOCAL, overlay], environment={}).execution.retry.service is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(
            "GROUNDLOOP_GATE_MAP", "is written like GROUNDLOOP__GATE__KEY", id="one underscore and a level left out"
        ),
        pytest.param("GROUNDLOOP_AWS_BUCKET", "is written like GROUNDLOOP__AWS__BUCKET", id="one underscore"),
        pytest.param("GROUNDLOOP_XQ", "is written like GROUNDLOOP__SECTION__KEY", id="like no setting"),
    ],
)
def test_a_variable_that_is_not_read_is_reported(name: str, expected: str) -> None:
    (message,) = unknown_variables({name: "1", "GROUNDLOOP_CONFIG": "a.yaml", "GROUNDLOOP__AWS__BUCKET": "b"})
    assert message.startswith(f"environment variable {name} is not used")
    assert expected in message


def test_origins_name_file_and_line_variable_or_option() -> None:
    loaded = load_with_origins(
        [LOCAL],
        ["prepare.split.seed=11", "evaluate.threshold={rule: best_f1}"],
        {"GROUNDLOOP__PREPARE__SPLIT__TEST": "0.2"},
        project=False,
    )
    split = ("prepare", "split")
    assert loaded.source.place_of((*split, "seed")) == "--set prepare.split.seed=11"
    assert loaded.source.place_of((*split, "test")) == "environment variable GROUNDLOOP__PREPARE__SPLIT__TEST"
    assert loaded.source.place_of(("evaluate", "threshold", "rule")) == "--set evaluate.threshold={rule: best_f1}"
    assert loaded.source.place_of(("aws", "bucket")).startswith(f"{LOCAL}:")
    assert loaded.source.place_of((*split, "validation")).startswith(f"{CONFIGS / 'base.yaml'}:")


def test_an_incomplete_configuration_names_what_is_not_set() -> None:
    loaded = load_with_origins((), ["aws.bucket=mine-1"], {}, project=False, incomplete=True)
    assert loaded.missing == ("aws.role", "labels.manifest")
    assert loaded.config.aws.bucket == "mine-1"


def test_an_empty_overlay_changes_nothing(tmp_path: Path) -> None:
    empty = tmp_path / "empty.yaml"
    empty.write_text("# nothing yet\n")
    assert load_config([LOCAL, empty], environment={}) == load_config([LOCAL], environment={})


def test_isolated_jobs_are_accepted_with_an_image_of_their_own() -> None:
    assignments = [
        "aws.network.isolation=true",
        "processing.image_uri=111122223333.dkr.ecr.us-east-1.amazonaws.com/jobs:1",
        "processing.requirements=preinstalled",
        "prepare.check_images=none",
    ]
    assert load_config([LOCAL], assignments, environment={}).aws.network.isolation


def test_the_schema_describes_every_setting() -> None:
    schema = Config.model_json_schema()
    undescribed = [
        f"{model}.{name}"
        for model, definition in schema["$defs"].items()
        for name, field in definition.get("properties", {}).items()
        if "description" not in field
    ]
    assert undescribed == []
