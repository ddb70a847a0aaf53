"""What is known of a step that an execution has started."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from groundloop.local.context import now
from groundloop.spec.definition import Json, Step


@dataclass
class StepRecord:
    """A step that was started, as ListPipelineExecutionSteps reports it."""

    step: Step
    number: int
    status: str = "Starting"
    started: datetime = field(default_factory=now)
    ended: datetime | None = None
    failure_reason: str | None = None
    metadata: Json = field(default_factory=dict)
    cached_from: str | None = None
    attempts: int = 0
    #: It failed because somebody stopped its job.
    job_stopped: bool = False

    def meets(self, trigger: str) -> bool:
        """Whether the step has ended as a run condition asks."""
        if self.ended is None:
            return False
        outcomes = {"Succeeded": {"Completed"}, "Failed": {"Failed"}, "Stopped": {"Stopped"}}[self.status]
        return trigger == "Any" or trigger in outcomes or (trigger == "Stopped" and self.job_stopped)

    def summary(self) -> Json:
        """Return one item of PipelineExecutionSteps."""
        return {
            "StepName": self.step.name,
            "StepDisplayName": self.step.raw.get("DisplayName"),
            "StepDescription": self.step.raw.get("Description"),
            "StartTime": self.started,
            "EndTime": self.ended,
            "StepStatus": self.status,
            "CacheHitResult": {"SourcePipelineExecutionArn": self.cached_from} if self.cached_from else None,
            "FailureReason": self.failure_reason,
            "Metadata": dict(self.metadata),
            "AttemptCount": self.attempts,
        }
