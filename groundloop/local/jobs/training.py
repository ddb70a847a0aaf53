"""Training jobs: channels as files or FIFOs, a stand-in for the algorithm's image, model.tar.gz in S3."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from groundloop.local.archive import pack
from groundloop.local.context import Context, now
from groundloop.local.errors import JobError, JobStoppedError
from groundloop.local.image_stand_ins import ImageStandIn, program_for
from groundloop.local.jobs.job import Job
from groundloop.local.pipe import Item, ObjectReader, PipeFeeder, Sample, augmented_samples
from groundloop.local.recordio import frame
from groundloop.local.s3 import files_of, inside
from groundloop.s3 import join_uri

_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "A stand-in for the training image runs on this machine",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job stopped: MaxRuntimeInSeconds is over",
}


class TrainingJob(Job):
    """One training job.

    Args:
        context: the offline AWS.
        request: of CreateTrainingJob; of one that another resource starts with further members of its description.
        note: for the beginning of its log.
    """

    kind: ClassVar[str] = "TrainingJob"

    def __init__(self, context: Context, request: dict[str, Any], note: str = "") -> None:
        super().__init__(context, request)
        self._note = note
        self.transitions: list[dict[str, Any]] = []
        self.metrics: list[dict[str, Any]] = []
        self.artifact = ""
        self.training_started: datetime | None = None
        self._feeders: list[PipeFeeder] = []
        self._reader: ObjectReader | None = None
        self._enter("Starting")

    def _enter(self, status: str) -> None:
        moment = now()
        if self.transitions:
            self.transitions[-1]["EndTime"] = moment
        self.transitions.append({"Status": status, "StartTime": moment, "StatusMessage": _MESSAGES[status]})
        self.modified = moment

    def work(self) -> None:
        """Copy or stream the channels, run the program and upload the model."""
        outcome = "Failed"
        try:
            program = program_for(self.request["AlgorithmSpecification"]["TrainingImage"], self.context.programs)
            if not program.train:
                raise JobError("ClientError", "the stand-in for this image can't train")
            self._enter("Downloading")
            self._write_config()
            for channel in self.request.get("InputDataConfig", []):
                self.check_stop()
                self._bring(channel)
            self._bring_checkpoints()
            for name in ("model", "output/data"):
                (self.folder / name).mkdir(parents=True, exist_ok=True)
            self._enter("Training")
            self._train(program)
            self._enter("Uploading")
            self._upload()
            outcome = "Completed"
        except JobStoppedError:
            outcome = "MaxRuntimeExceeded" if self.out_of_time else "Stopped"
            raise
        finally:
            self._enter(outcome)
            self.transitions[-1]["EndTime"] = self.transitions[-1]["StartTime"]

    def _train(self, program: ImageStandIn) -> None:
        self.training_started = now()
        for feeder in self._feeders:
            feeder.start()
        command = program.train_command(self.folder)
        if self._note:
            self.write_log(self._note)
        self.write_log(f"a stand-in for {self.request['AlgorithmSpecification']['TrainingImage']}: {' '.join(command)}")
        environment = {
            **self.request.get("Environment", {}),
            "TRAINING_JOB_NAME": self.name,
            "TRAINING_JOB_ARN": self.arn,
        }
        try:
            code = self.run_program(command, environment, self._check_feeders)
        finally:
            self._end_feeders()
            self._read_metrics(program)
        self._check_feeders()
        self._keep_checkpoints()
        if code:
            raise self.algorithm_error(code, self.read_message(self.folder / "output" / "failure"))

    def _check_feeders(self) -> None:
        for feeder in self._feeders:
            if feeder.failure:
                raise feeder.failure

    def _end_feeders(self) -> None:
        for feeder in self._feeders:
            feeder.stop()
        for feeder in self._feeders:
            feeder.join()

    def _read_metrics(self, program: ImageStandIn) -> None:
        specification = self.request["AlgorithmSpecification"]
        definitions = {item["Name"]: item["Regex"] for item in specification.get("MetricDefinitions", [])}
        log = self.log.read_text(encoding="utf-8", errors="replace")
        for name, regex in {**program.metrics, **definitions}.items():
            found = [hit for hit in re.findall(regex, log, re.MULTILINE) if isinstance(hit, str)]
            try:
                value = float(found[-1])
            except (IndexError, ValueError):
                continue
            self.metrics.append({"MetricName": name, "Value": value, "Timestamp": now()})

    def _mode(self, channel: dict[str, Any]) -> str:
        mode: str = channel.get("InputMode") or self.request["AlgorithmSpecification"].get("TrainingInputMode", "File")
        return mode

    def _write_config(self) -> None:
        folder = self.folder / "input" / "config"
        folder.mkdir(parents=True)
        (self.folder / "input" / "data").mkdir()
        channels = {}
        for channel in self.request.get("InputDataConfig", []):
            source = channel.get("DataSource", {}).get("S3DataSource", {})
            channels[channel["ChannelName"]] = {
                "TrainingInputMode": self._mode(channel),
                "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
                "RecordWrapperType": channel.get("RecordWrapperType", "None"),
                **({"ContentType": channel["ContentType"]} if channel.get("ContentType") else {}),
            }
        files = {
            "hyperparameters.json": self.request.get("HyperParameters", {}),
            "inputdataconfig.json": channels,
            "resourceconfig.json": {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "lo"},
        }
        for name, content in files.items():
            (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")

    def _bring(self, channel: dict[str, Any]) -> None:
        name = channel["ChannelName"]
        source = channel.get("DataSource", {}).get("S3DataSource")
        if source is None:
            raise JobError("ClientError", f"channel {name}: the offline AWS offers an S3DataSource only")
        if channel.get("CompressionType", "None") != "None":
            raise JobError("ClientError", f"channel {name}: the offline AWS offers CompressionType None only")
        data = self.folder / "input" / "data"
        # FastFile looks like files to the program; here they are.
        if self._mode(channel) != "Pipe":
            self.s3.download(self.s3.source(source), inside(data, name, f"channel {name}"))
            return
        if self._reader is None:
            self._reader = ObjectReader(self.s3)
        seed = channel.get("ShuffleConfig", {}).get("Seed")
        wrap = frame if channel.get("RecordWrapperType") == "RecordIO" else bytes
        self._feeders.append(
            PipeFeeder(name, self._samples(name, source), self._reader, data, wrap=wrap, shuffle_seed=seed)
        )

    def _samples(self, name: str, source: dict[str, Any]) -> list[Sample]:
        if source["S3DataType"] == "AugmentedManifestFile":
            uri = source["S3Uri"]
            return augmented_samples(self.s3.read(uri), uri, source.get("AttributeNames", []))
        return [(Item(f"channel {name}", uri=uri),) for uri, _ in self.s3.source(source)]

    def _checkpoints(self) -> tuple[str, Path] | None:
        config = self.request.get("CheckpointConfig")
        if not config:
            return None
        # The stand-ins know one place for checkpoints, SageMaker's default.
        return config["S3Uri"], self.folder / "checkpoints"

    def _bring_checkpoints(self) -> None:
        if place := self._checkpoints():
            uri, folder = place
            folder.mkdir()
            if self.s3.keys(uri):
                self.s3.download(self.s3.objects(uri), folder)

    def _keep_checkpoints(self) -> None:
        if place := self._checkpoints():
            self.s3.upload(place[1], place[0])

    def _upload(self) -> None:
        output = self.request["OutputDataConfig"]
        prefix = join_uri(output["S3OutputPath"], f"{self.name}/output")
        model, extra = self.folder / "model", self.folder / "output" / "data"
        if not any(files_of(model)):
            self.write_log("the program left nothing in model/: model.tar.gz is empty")
        if output.get("CompressionType", "GZIP") == "NONE":
            self.artifact = join_uri(prefix, "model/")
            self.s3.upload(model, self.artifact)
        else:
            self.artifact = join_uri(prefix, "model.tar.gz")
            self._put_packed(model, self.artifact)
        if any(files_of(extra)):
            self._put_packed(extra, join_uri(prefix, "output.tar.gz"))

    def _put_packed(self, folder: Path, uri: str) -> None:
        archive = self.folder / "packed.tar.gz"
        pack(folder, archive)
        self.s3.put(uri, archive.read_bytes())
        archive.unlink()

    def closing(self) -> None:
        """Stop feeding the channels and remove their FIFOs."""
        if self._reader:
            self._reader.close()
        # FIFOs would block whoever looks through the job's folder later.
        for path in (self.folder / "input" / "data").glob("*_*"):
            if path.is_fifo():
                path.unlink()

    def describe(self) -> dict[str, Any]:
        """Return the answer of DescribeTrainingJob."""
        seconds = (
            int((self.ended - self.training_started).total_seconds()) if self.ended and self.training_started else None
        )
        return {
            **self.request,
            "TrainingJobArn": self.arn,
            "TrainingJobStatus": self.status,
            # The job's end and its last transition are set together, so no answer shows one without the other.
            "SecondaryStatus": self.transitions[-1]["Status"] if self.ended else self._secondary(),
            "SecondaryStatusTransitions": list(self.transitions),
            "FailureReason": self.failure_reason,
            "ModelArtifacts": {"S3ModelArtifacts": self.artifact} if self.artifact else {},
            "CreationTime": self.created,
            "TrainingStartTime": self.training_started,
            "TrainingEndTime": self.ended,
            "LastModifiedTime": self.modified,
            "TrainingTimeInSeconds": seconds,
            "BillableTimeInSeconds": 0 if seconds is not None else None,
            "FinalMetricDataList": self.metrics or None,
        }

    def _secondary(self) -> str:
        if self.status == "Stopping":
            return "Stopping"
        active = [
            item["Status"]
            for item in self.transitions
            if item["Status"] in ("Starting", "Downloading", "Training", "Uploading")
        ]
        return str(active[-1])
