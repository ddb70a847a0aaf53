"""The work of people as the operations and the worker portal share it: labelling jobs and human loops."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

#: Labelling jobs and human loops that are still worked on.
RUNNING = frozenset({"Initializing", "InProgress", "Stopping"})


@dataclass
class LabelingJob:
    """A labelling job.

    Attributes:
        request: of CreateLabelingJob.
        members: the people of its workteam.
        total: lines of its input manifest.
        lines: for each task of its queue, in their order, the position of its line in the manifest.
        results: of the objects that are done, by position (as text, for JSON): `label` and `metadata` as the output
            manifest has them, `label` None for a failed one; `answers`: ids of the answers that they come from;
            `written`: when the workers' answers were first written.
        last_batch: time in the name of the newest consolidation; each has another one.
        is_cut: whether StoppingConditions leave lines unlabelled.
    """

    request: dict[str, Any]
    arn: str
    members: tuple[str, ...]
    created: datetime
    modified: datetime
    status: str = "Initializing"
    failure: str | None = None
    total: int = 0
    lines: list[int] = field(default_factory=list)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    last_batch: datetime | None = None
    is_cut: bool = False

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.request["LabelingJobName"])

    @property
    def folder(self) -> str:
        """S3 prefix of its output."""
        return f"{self.request['OutputConfig']['S3OutputPath'].rstrip('/')}/{self.name}"

    @property
    def output(self) -> str:
        """S3 URI of its output manifest."""
        return f"{self.folder}/manifests/output/output.manifest"

    def state(self) -> dict[str, Any]:
        """Return it as JSON values and times."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> LabelingJob:
        """Return what `state` was taken of."""
        return cls(**{**state, "members": tuple(state["members"])})


@dataclass
class HumanLoop:
    """A human loop.

    Attributes:
        flow: ARN of its flow definition; `version` tells flow definitions of one name apart.
        content: its input content, as it was sent.
        queue: name of the queue that holds its task; "" before there is one.
        task: id of that task.
        output: S3 URI of its output.json, once that is written.
    """

    name: str
    arn: str
    flow: str
    version: str
    content: str
    created: datetime
    status: str = "InProgress"
    failure_code: str | None = None
    failure: str | None = None
    queue: str = ""
    task: int = 0
    output: str | None = None

    def state(self) -> dict[str, Any]:
        """Return it as JSON values and times."""
        return asdict(self)


@dataclass
class FlowDefinition:
    """A flow definition.

    Attributes:
        request: of CreateFlowDefinition.
        members: the people of its workteam.
        template: of its human task UI, as it was when the flow was created.
    """

    request: dict[str, Any]
    arn: str
    members: tuple[str, ...]
    template: str
    created: datetime

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.request["FlowDefinitionName"])

    @property
    def version(self) -> str:
        """What tells it from one of the same name that was deleted before."""
        return f"{self.arn} {self.created.isoformat()}"

    def state(self) -> dict[str, Any]:
        """Return it as JSON values and times."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> FlowDefinition:
        """Return what `state` was taken of."""
        return cls(**{**state, "members": tuple(state["members"])})
