"""Labelling jobs and human loops from the command line, on the offline AWS with its portal for the workers."""

from __future__ import annotations

import importlib
import io
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import numpy as np
import pytest
import yaml
from botocore.client import BaseClient
from PIL import Image

from groundloop.detections.evaluation import OutcomeRow
from groundloop.detections.table import write_outcomes
from groundloop.labels.manifest import ManifestReader
from groundloop.local import LocalAws
from tests.fixtures.cli import CommandResult, Groundloop
from tests.groundloop.local.api.conftest import Member

ROOT = Path(__file__).resolve().parents[3]
BUCKET, REGION = "groundloop-local", "us-east-1"
CLASSES = ("bolt", "nut")
IMAGES = 12
#: IAM's names of operations, where they are others.
S3_ACTIONS = {"HeadObject": "GetObject", "ListObjectsV2": "ListBucket", "GetBucketCors": "GetBucketCORS"}
Run = Callable[..., CommandResult]


def label(image: str, number: int = 0) -> dict[str, object]:
    """A line of a manifest without objects."""
    return {
        "source-ref": image,
        "line": number,
        "bounding-box": {"image_size": [{"width": 64, "height": 48, "depth": 3}], "annotations": []},
        "bounding-box-metadata": {
            "class-map": {"0": "bolt", "1": "nut"},
            "type": "groundtruth/object-detection",
            "objects": [],
        },
    }


def uri(number: int) -> str:
    return f"s3://{BUCKET}/images/{number:02}.png"


@pytest.fixture(scope="module")
def team(aws: LocalAws) -> str:
    """ARN of a workteam; images in S3, of which the first is labelled."""
    s3 = boto3.client("s3")
    for number in range(IMAGES):
        stream = io.BytesIO()
        Image.new("RGB", (64, 48), (20 * number, 90, 120)).save(stream, "PNG")
        s3.put_object(Bucket=BUCKET, Key=f"images/{number:02}.png", Body=stream.getvalue())
    s3.put_object(Bucket=BUCKET, Key="labels/output.manifest", Body=json.dumps(label(uri(0))).encode())
    created = boto3.client("sagemaker").create_workteam(
        WorkteamName="people",
        Description="people of a test",
        MemberDefinitions=[{"OidcMemberDefinition": {"Groups": ["ann", "bob"]}}],
    )
    return str(created["WorkteamArn"])


@pytest.fixture
def run(groundloop: Groundloop, team: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command with the configuration of the offline AWS, in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    options = ("--config", str(ROOT / "configs" / "local.yaml"), "--set", f"labeling.workteam={team}")
    return lambda *arguments: groundloop(*arguments, *options)


@pytest.fixture
def member(run: Run) -> Callable[[str, str], Member]:
    """Open a queue of the portal as ann, whose link `labeling portal` leads to."""

    def enter(kind: str, queue: str) -> Member:
        printed = urlsplit(run("labeling", "portal").out.strip())
        return Member(f"{printed.scheme}://{printed.netloc}", kind, queue, "ann")

    return enter


@pytest.fixture(scope="module", autouse=True)
def called(team: str) -> Iterator[set[str]]:
    """The IAM actions of what the commands of this module have called, after the workteam was made."""
    actions: set[str] = set()
    call = BaseClient._make_api_call

    def recorded(client: Any, operation: str, arguments: Any) -> Any:
        if threading.current_thread() is threading.main_thread():  # the offline AWS calls S3 in threads of its own
            service = client.meta.service_model.signing_name
            actions.add(f"{service}:{S3_ACTIONS.get(operation, operation)}")
        return call(client, operation, arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", recorded)
        yield actions


class TestLabelingJobs:
    CREATE = ("labeling", "create", "--images", f"s3://{BUCKET}/images/", "--classes", "bolt,nut")

    def test_a_dry_run_prints_the_request_and_creates_nothing(self, run: Run) -> None:
        request = run(*self.CREATE, "week-46", "--dry-run", "--max-labeled", "5").json

        assert request["LabelAttributeName"] == "week-46"
        assert request["StoppingConditions"] == {"MaxHumanLabeledObjectCount": 5}
        assert run("labeling", "status", "week-46").code == 1

    def test_offline_nothing_is_charged_and_nobody_is_asked(self, run: Run) -> None:
        created = run(*self.CREATE, "free", "--limit", "1")

        assert created.code == 0
        assert "cost: nothing is charged on the offline AWS; on AWS at most $0.08, for 1 image" in created.out
        assert "costs money" not in created.err
        assert "Stop" in run("labeling", "stop", "free").out

    def test_money_is_not_spent_without_a_yes(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("groundloop.aws.offline_endpoint", lambda: None)

        refused = run(*self.CREATE, "week-46")

        assert refused.code == 2
        assert (
            "cost: at most $0.88, for 11 images with 1 answer each: $0.88 for AWS at the prices of 2025" in refused.out
        )
        assert "add --yes" in refused.err

    def test_what_is_not_labelled_is_labelled_and_can_be_trained_on(
        self, run: Run, member: Callable[[str, str], Member]
    ) -> None:
        created = run(*self.CREATE, "week-47", "--limit", "2", "--yes")
        assert created.code == 0
        assert "2 (1 labelled already, 9 beyond --limit, left out)" in created.out
        assert "no label" not in run("labeling", "status", "week-47").out
        early = run("labeling", "outputs", "week-47")
        assert early.code == 1
        ann = member("labeling-jobs", "week-47")
        first = ann.submit(("nut", 4, 5, 10, 11))
        ann.submit()

        assert run("labeling", "status", "week-47", "--json").json["status"] == "Completed"
        shown = run("labeling", "outputs", "week-47").out
        assert "2 images, 1 boxes, 1 without objects" in shown
        written = yaml.safe_load(shown.partition("in the configuration:")[2])
        (source,) = written["labels"]["additional_sources"]
        assert source["attribute"] == "week-47"
        bucket, _, key = source["uri"].removeprefix("s3://").partition("/")
        lines = boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().splitlines()
        reader = ManifestReader("week-47")
        records = [reader.read_line(1, line).record for line in lines]
        assert {record.source_ref: len(record.boxes) for record in records if record} == {
            one["source-ref"]: int(first["name"] in one["source-ref"]) for one in map(json.loads, lines)
        }

        again = run(*self.CREATE, "week-48", "--set", f"labels.additional_sources={[source]}", "--dry-run")
        assert again.code == 0
        adjusted = run("labeling", "adjust", "week-47-adjusted", "--of", "week-47", "--yes")
        assert adjusted.code == 0
        assert "0 of 2 images" in run("labeling", "status", "week-47-adjusted").out
        shown_boxes = member("labeling-jobs", "week-47-adjusted").next()
        assert shown_boxes is not None
        stopped = run("labeling", "stop", "week-47-adjusted")
        assert "labelling job week-47-adjusted: Stop" in stopped.out
        listed = run("labeling", "status").out
        assert "week-47-adjusted" in listed

    def test_labels_that_name_images_by_file_count_by_the_folder_of_their_images(self, run: Run) -> None:
        coco = {
            "images": [{"id": 1, "file_name": "03.png", "width": 64, "height": 48}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9]}],
            "categories": [{"id": 1, "name": "bolt"}],
        }
        boto3.client("s3").put_object(Bucket=BUCKET, Key="coco/labels.json", Body=json.dumps(coco).encode())
        source = {"uri": f"s3://{BUCKET}/coco/labels.json", "format": "coco", "images": f"s3://{BUCKET}/images/"}

        asked = run(*self.CREATE, "week-46", "--set", f"labels.additional_sources={[source]}")

        assert "10 (2 labelled already, left out)" in asked.out

    def test_verification_gives_verdicts(self, run: Run, member: Callable[[str, str], Member]) -> None:
        labels = ("--labels", f"s3://{BUCKET}/labels/output.manifest")

        assert run("labeling", "verify", "verified", *labels, "--yes").code == 0
        assert run("labeling", "status", "verified").code == 0
        member("labeling-jobs", "verified").submit()

        assert run("labeling", "status", "verified", "--json").json["status"] == "Completed"
        assert run("labeling", "outputs", "verified", "--json").json == {"good": [uri(0)]}
        shown = run("labeling", "outputs", "verified").out
        assert "good  1 images" in shown
        assert "--of JOB" in shown

    def test_the_hint_of_a_verification_names_the_job_that_was_verified(
        self, run: Run, member: Callable[[str, str], Member]
    ) -> None:
        run(*self.CREATE, "week-50", "--limit", "1")
        member("labeling-jobs", "week-50").submit()
        assert run("labeling", "verify", "week-50-verified", "--of", "week-50").code == 0
        member("labeling-jobs", "week-50-verified").submit()

        hint = run("labeling", "outputs", "week-50-verified").out
        assert "labeling adjust week-50-verified-adjusted --of week-50" in hint

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("labeling", "status", "nowhere"), "there is no labelling job 'nowhere'"),
            (("labeling", "outputs", "nowhere"), "there is no labelling job 'nowhere'"),
            (("labeling", "create", "a", "--images", "photos", "--classes", "bolt"), "photos is not in S3"),
            (("labeling", "create", "a", "--images", f"s3://{BUCKET}/images/"), "which classes?"),
            (("labeling", "create", "a_b", "--images", f"s3://{BUCKET}/images/", "--classes", "a"), "LabelingJobName"),
            (("labeling", "adjust", "a"), "give --of"),
            (
                ("labeling", "adjust", "a", "--labels", f"s3://{BUCKET}/labels/output.manifest", "--classes", "bolt"),
                "nut",
            ),
            (("a2i", "status", "nowhere"), "there is no flow definition 'nowhere'"),
            (("a2i", "create", "Week-47"), "FlowDefinitionName: 'Week-47' does not match"),
        ],
    )
    def test_a_mistake_is_named(self, run: Run, arguments: Sequence[str], message: str) -> None:
        refused = run(*arguments)

        assert refused.code in (1, 2)
        assert message in refused.err
        assert "Traceback" not in refused.err


class TestHumanLoops:
    @pytest.fixture
    def model(self, tmp_path: Path) -> str:
        """The folder of a local run, as far as choosing images needs it."""
        job = tmp_path / "run" / "jobs" / "pipelines-1-Evaluate-2" / "processing"
        evaluation, manifests = job / "output" / "evaluation", job / "input" / "manifests"
        images = tmp_path / "run" / "data" / "images"
        for folder in (evaluation, manifests, images):
            folder.mkdir(parents=True)
        metrics = {"classes": CLASSES, "class_thresholds": dict.fromkeys(CLASSES, 0.5)}
        (evaluation / "evaluation.json").write_text(json.dumps(metrics))
        random = np.random.default_rng(1)
        rows = []
        for split, numbers in (("validation", range(8)), ("test", range(8, IMAGES))):
            lines = [json.dumps(label(uri(number), number)) for number in numbers]
            (manifests / f"{split}.manifest").write_text("".join(f"{line}\n" for line in lines))
            for number in numbers:
                Image.new("RGB", (64, 48), (20 * number, 90, 120)).save(images / f"{number:02}.png")
                for score in random.random(1 + number % 4):
                    right = (1.0, 1.0, 20.0, 20.0) if random.random() < score else None
                    outcome = "" if score < 0.5 else ("TP" if right else "FP")
                    box = (1.0, 1.0, 20.0, 21.0)
                    rows.append(OutcomeRow(split, uri(number), outcome, "bolt", float(score), box, 0.9, right))
        write_outcomes(evaluation / "detections.csv.gz", rows)
        return str(tmp_path / "run")

    def test_doubts_are_answered_and_collected_as_they_arrive(
        self, run: Run, member: Callable[[str, str], Member], model: str
    ) -> None:
        assert run("a2i", "create", "doubts").code == 0
        assert "already" in run("a2i", "create", "doubts").error
        start = ("a2i", "start", "doubts", "--from", model, "--limit", "3", "--audit", "0", "--keep-near-copies")
        with pytest.MonkeyPatch.context() as patch:
            asking = importlib.import_module("pipeline.cli.a2i.start")
            patch.setattr(asking, "confirmed", lambda *_: False)
            assert "started" not in run(*start).out
        started = run(*start)
        assert "started 3 human loops" in started.out
        assert "cost: nothing is charged on the offline AWS; on AWS at most $0.24" in started.out
        assert "started 0 human loops; 3 were started before" in run(*start, "--yes").out
        assert "no human loop has an output yet" in run("a2i", "collect", "doubts").error

        ann = member("flow-definitions", "doubts")
        ann.submit(("nut", 4, 5, 10, 11))
        first = run("a2i", "collect", "doubts", "--json").json
        ann.submit()
        second = run("a2i", "collect", "doubts", "--json").json
        assert (first["labels"], first["boxes"]) == (1, 1)
        assert (second["labels"], second["negatives"], second["new_outputs"]) == (2, 1, 1)
        status = run("a2i", "status", "doubts", "--json").json
        assert status["loops"] == {"Completed": 2, "InProgress": 1}

        assert "deleted 2 human loops" in run("a2i", "delete", "doubts").out
        assert "stopped 1 human loops" in run("a2i", "stop", "doubts").out
        assert run("a2i", "status", "doubts", "--json").json["deleted_with_output"] == 2
        assert "started 0 human loops; 3 were started before" in run(*start, "--yes").out
        more = ("--limit", str(IMAGES), "--audit", "0.5", "--yes")
        assert f"started {IMAGES - 3} human loops; 3 were started before" in run(*start, *more).out
        third = run("a2i", "collect", "doubts", "--publish", "--json").json
        assert third["labels"] == 2
        lines = Path(third["manifest"]).read_bytes().splitlines()
        bucket, _, key = third["published"].removeprefix("s3://").partition("/")
        assert boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read().splitlines() == lines
        review = json.loads(lines[0])["groundloop-review"]
        assert (review["queue"], review["selected-by"], review["answers"]) == ("doubts", "expected-mistakes", 1)


def test_the_printed_policy_allows_what_the_commands_called(run: Run, called: set[str]) -> None:
    """Runs last, after all commands of this module."""
    policy = run("doctor", "--policy", "labeling").json
    allowed = {action for statement in policy["Statement"] for action in statement["Action"]}

    assert {"sagemaker:CreateLabelingJob", "sagemaker:StartHumanLoop", "sagemaker:DeleteHumanLoop"} <= called
    assert called <= allowed


def test_the_role_may_write_the_metrics_of_the_workers(run: Run) -> None:
    statements = {one["Sid"]: one for one in run("doctor", "--policy", "role").json["Statement"]}

    namespaces = statements["WriteMetrics"]["Condition"]["StringLike"]["cloudwatch:namespace"]
    assert "AWS/SageMaker/Workteam" in namespaces
