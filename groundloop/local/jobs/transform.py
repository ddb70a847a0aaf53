"""Batch transform: a model server on this machine answers every object of the input; one `.out` per object.

Key layout, not verified on AWS: `S3OutputPath/<name>.out`, where `<name>` is the object's key relative to the input
prefix (S3Prefix) or the manifest's entry, which is relative to the manifest's prefix (ManifestFile). The service's
documentation gives one example, in which a sub-folder is lost; readers of the outputs should match by the longest
common tail of a key, which holds for both layouts.
"""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, ClassVar

from groundloop.local.context import Context
from groundloop.local.errors import JobError
from groundloop.local.jobs.job import Job
from groundloop.local.s3 import inside
from groundloop.local.serving import ModelServer
from groundloop.s3 import join_uri

#: SageMaker's default of MaxPayloadInMB.
_DEFAULT_PAYLOAD_MB = 6
#: SageMaker's default of InvocationsTimeoutInSeconds.
_DEFAULT_TIMEOUT = 600
#: Requests in flight at most: the stand-in runs on this machine's cores.
_PARALLEL = 2


class TransformJob(Job):
    """One batch transform job over one container of a model."""

    kind: ClassVar[str] = "TransformJob"

    def __init__(self, context: Context, request: dict[str, Any], container: dict[str, Any]) -> None:
        super().__init__(context, request)
        self._container = container

    def work(self) -> None:
        """Start a model server, send it each object and upload the answers."""
        source = self.request["TransformInput"]
        self._check_offer(source)
        objects = self.s3.source(source["DataSource"]["S3DataSource"])
        for uri, name in objects:
            inside(self.folder, name, uri)
        server = ModelServer(self.context, self._container, self.folder, self.log)
        self.write_log(f"a stand-in for {self._container['Image']} transforms {len(objects)} objects")
        try:
            server.start(self.request.get("Environment", {}), lambda: self.stopped)
            self._transform_all(server, objects)
        except JobError:
            self.check_stop()
            raise
        finally:
            server.stop()

    def _check_offer(self, source: dict[str, Any]) -> None:
        for member, value, offered in (
            ("SplitType", source.get("SplitType"), ("None", None)),
            ("CompressionType", source.get("CompressionType"), ("None", None)),
            ("DataProcessing", self.request.get("DataProcessing", {}).get("JoinSource"), ("None", None)),
        ):
            if value not in offered:
                raise JobError("ClientError", f"{member} {value!r}: the offline AWS offers None only")

    def _transform_all(self, server: ModelServer, objects: list[tuple[str, str]]) -> None:
        # The service's 0 means "as many as suit".
        parallel = min(self.request.get("MaxConcurrentTransforms", 1) or _PARALLEL, _PARALLEL)
        waiting: set[Future[None]] = set()
        with ThreadPoolExecutor(parallel) as pool:
            try:
                for uri, name in objects:
                    if len(waiting) >= 2 * parallel:
                        waiting = self._collect(waiting)
                    waiting.add(pool.submit(self._transform, server, uri, name))
                while waiting:
                    waiting = self._collect(waiting)
            except BaseException:
                for future in waiting:
                    future.cancel()
                # The pool waits for the requests in flight, which may take the model long.
                server.stop()
                raise

    def _collect(self, waiting: set[Future[None]]) -> set[Future[None]]:
        done, rest = wait(waiting, timeout=0.2, return_when=FIRST_COMPLETED)
        for future in done:
            future.result()
        self.ship_log()
        self.check_stop()
        return rest

    def _transform(self, server: ModelServer, uri: str, name: str) -> None:
        body = self.s3.read(uri)
        limit = self.request.get("MaxPayloadInMB", _DEFAULT_PAYLOAD_MB)
        # 0 means no limit.
        if limit and len(body) > limit * 1024 * 1024:
            size = len(body) / 1024 / 1024
            raise JobError("ClientError", f"{uri}: {size:.1f} MB is over the MaxPayloadInMB of {limit}")
        source, output = self.request["TransformInput"], self.request["TransformOutput"]
        timeout = self.request.get("ModelClientConfig", {}).get("InvocationsTimeoutInSeconds", _DEFAULT_TIMEOUT)
        try:
            answer = server.invoke(body, source.get("ContentType"), output.get("Accept"), timeout)
        except OSError as error:
            raise JobError(
                "AlgorithmError", f"{uri}: the model did not answer: {error} (log: {self.shown(self.log)})"
            ) from error
        if answer.status != 200:
            text = answer.body.decode("utf-8", "replace").strip()[:500]
            raise JobError(
                "AlgorithmError", f"{uri}: the model answered {answer.status}: {text} (log: {self.shown(self.log)})"
            )
        ending = b"\n" if output.get("AssembleWith") == "Line" and not answer.body.endswith(b"\n") else b""
        self.s3.put(join_uri(output["S3OutputPath"], f"{name}.out"), answer.body + ending)

    def describe(self) -> dict[str, Any]:
        """Return the answer of DescribeTransformJob."""
        return {
            **self.request,
            "TransformJobArn": self.arn,
            "TransformJobStatus": self.status,
            "FailureReason": self.failure_reason,
            "CreationTime": self.created,
            "TransformStartTime": self.started,
            "TransformEndTime": self.ended,
        }
