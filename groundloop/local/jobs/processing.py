"""Processing jobs: inputs downloaded, the entry point run, outputs uploaded.

The image is a stand-in: the program runs in the Python environment of the offline AWS, on the job's arguments with
`/opt/ml` rewritten to the job's folder. Outputs go to S3 at the end of a job that succeeded.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from pathlib import Path
from typing import Any, ClassVar

from groundloop.local.errors import JobError
from groundloop.local.jobs.job import Job

#: `/opt/ml` as a path of its own: at the start of an argument, or after a character that can't belong to a path.
_OPT_ML = re.compile(r"(?<![\w./~-])/opt/ml(?=/|$)")
_SPARK_SUBMIT = "smspark-submit"
#: Two executors in one process, which listen on this machine only; nobody else reads these variables.
_SPARK_HERE = {
    "SPARK_LOCAL_IP": "127.0.0.1",
    "PYSPARK_SUBMIT_ARGS": "--master local[2] --conf spark.ui.enabled=false pyspark-shell",
}
_PYTHON = re.compile(r"(?:/usr(?:/local)?/bin/)?python(?:3(?:\.\d+)?)?")


def rewrite(argument: str, folder: Path) -> str:
    """Replace `/opt/ml` in an argument by the job's folder; S3 keys that contain it stay as they are."""
    return _OPT_ML.sub(lambda _: str(folder), argument)


class ProcessingJob(Job):
    """One processing job."""

    kind: ClassVar[str] = "ProcessingJob"
    exit_message: str | None = None

    def work(self) -> None:
        """Copy the inputs, run the program and upload what it wrote."""
        self._write_config()
        for item in self.request.get("ProcessingInputs", []):
            self.check_stop()
            self._bring(item)
        for _, local in self._outputs():
            local.mkdir(parents=True, exist_ok=True)
        (self.folder / "output").mkdir(exist_ok=True)
        code = self.run_program(self._command(), self._environment())
        message = self.read_message(self.folder / "output" / "message")
        # As the service does: up to one kilobyte.
        self.exit_message = message.encode()[:1024].decode(errors="ignore") or None
        if code:
            raise self.algorithm_error(code, message)
        for uri, local in self._outputs():
            self.s3.upload(local, uri)

    def _environment(self) -> dict[str, str]:
        requested = {name: rewrite(value, self.folder) for name, value in self.request.get("Environment", {}).items()}
        # This environment is the job's image: what the job's code needs is installed in it.
        return {**requested, **_SPARK_HERE, "GROUNDLOOP_REQUIREMENTS": "preinstalled"}

    def _command(self) -> list[str]:
        application = self.request["AppSpecification"]
        entrypoint = list(application.get("ContainerEntrypoint", []))
        if not entrypoint:
            raise JobError(
                "ClientError",
                f"nothing on this machine stands in for the image {application['ImageUri']}: "
                "a job without a ContainerEntrypoint runs its image's own program",
            )
        if entrypoint[0] == _SPARK_SUBMIT:
            self._check_spark()
        if entrypoint[0] == _SPARK_SUBMIT or _PYTHON.fullmatch(entrypoint[0]):
            entrypoint[0] = self.context.python
        return [
            rewrite(argument, self.folder) for argument in [*entrypoint, *application.get("ContainerArguments", [])]
        ]

    def _check_spark(self) -> None:
        """Check that Spark's local mode can run: one process stands in for driver and executors."""
        lacking = [] if importlib.util.find_spec("pyspark") else ["pyspark (pip install pyspark)"]
        lacking += [] if shutil.which("java") else ["Java"]
        if lacking:
            raise JobError(
                "ClientError",
                f"the job runs on Spark, and this machine lacks {' and '.join(lacking)}: install it, or run the job "
                "without Spark",
            )

    def _write_config(self) -> None:
        folder = self.folder / "config"
        folder.mkdir()
        resources = {"current_host": "algo-1", "hosts": ["algo-1"]}
        (folder / "resourceconfig.json").write_text(json.dumps(resources), encoding="utf-8")
        (folder / "processingjobconfig.json").write_text(
            json.dumps({"ProcessingJobArn": self.arn, **self.request}), encoding="utf-8"
        )

    def _place(self, path: str, what: str) -> Path:
        """Resolve a path of the request inside the job's folder."""
        place = Path(rewrite(path, self.folder)).resolve()
        if not place.is_relative_to(self.folder) or place == self.folder:
            raise JobError("ClientError", f"{what}: the LocalPath {path!r} is not below /opt/ml")
        return place

    def _bring(self, item: dict[str, Any]) -> None:
        name = item["InputName"]
        source = item.get("S3Input")
        if source is None:
            raise JobError("ClientError", f"the input {name!r}: the offline AWS offers S3Input only")
        if source.get("S3InputMode", "File") != "File":
            raise JobError("ClientError", f"the input {name!r}: the offline AWS offers S3InputMode File only")
        objects = self.s3.source(source)
        self.s3.download(objects, self._place(source["LocalPath"], f"the input {name!r}"))

    def _outputs(self) -> list[tuple[str, Path]]:
        outputs = self.request.get("ProcessingOutputConfig", {}).get("Outputs", [])
        places = []
        for output in outputs:
            name, target = output["OutputName"], output.get("S3Output")
            if target is None:
                raise JobError("ClientError", f"the output {name!r}: the offline AWS offers S3Output only")
            places.append((target["S3Uri"], self._place(target["LocalPath"], f"the output {name!r}")))
        return places

    def describe(self) -> dict[str, Any]:
        """Return the answer of DescribeProcessingJob."""
        return {
            **self.request,
            "ProcessingJobArn": self.arn,
            "ProcessingJobStatus": self.status,
            "ExitMessage": self.exit_message,
            "FailureReason": self.failure_reason,
            "CreationTime": self.created,
            "ProcessingStartTime": self.started,
            "ProcessingEndTime": self.ended,
            "LastModifiedTime": self.modified,
        }
