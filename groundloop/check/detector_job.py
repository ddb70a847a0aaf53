"""A training job of the built-in Object Detection algorithm, as a definition describes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from groundloop.check.business_rules import items, part
from groundloop.check.findings import DefinitionCode, DefinitionFinding
from groundloop.spec.definition import Definition, Json, Step
from groundloop.spec.known_values import UNKNOWN, known
from groundloop.spec.object_detection import HYPERPARAMETERS
from groundloop.spec.tuning import RANGE_LISTS


@dataclass(frozen=True)
class TunedRange:
    """A range of a tuning job.

    Attributes:
        name: of the hyperparameter.
        kind: integer, continuous or categorical.
        members: as they are written.
        path: leads to it from the step.
    """

    name: str
    kind: str
    members: Json
    path: str


class DetectorJob:
    """A training job with the algorithm's image, in a Training or a Tuning step.

    Attributes:
        definition: the definition that it is in.
        step: the step that starts it.
        request: its CreateTrainingJob request, or its part of a tuning job's.
        path: leads to the request from the step.
        hyperparameter_key: the member with the hyperparameters.
        arguments: the hyperparameters as they are written.
        tuned: the range of each hyperparameter that is tuned, by name.
    """

    def __init__(self, definition: Definition, step: Step, request: Json, path: str) -> None:
        self.definition, self.step, self.request, self.path = definition, step, request, path
        self.hyperparameter_key = "StaticHyperParameters" if step.type == "Tuning" else "HyperParameters"
        self.arguments = part(request, self.hyperparameter_key)
        # A search of one job has them in the job's definition or beside it.
        config = part(step.arguments, "HyperParameterTuningJobConfig")
        tuned, at = part(request, "HyperParameterRanges"), f"{path}.HyperParameterRanges"
        if not tuned:
            tuned, at = part(config, "ParameterRanges"), "Arguments.HyperParameterTuningJobConfig.ParameterRanges"
        self.objective, self.objective_path = part(request, "TuningObjective"), f"{path}.TuningObjective"
        if not self.objective:
            self.objective = part(config, "HyperParameterTuningJobObjective")
            self.objective_path = "Arguments.HyperParameterTuningJobConfig.HyperParameterTuningJobObjective"
        self.tuned = {
            str(item.get("Name")): TunedRange(str(item.get("Name")), kind, item, f"{at}.{key}[{index}]")
            for kind, key in RANGE_LISTS.items()
            for index, item in enumerate(items(tuned, key))
            if isinstance(item, dict)
        }

    def finding(self, code: DefinitionCode, path: str, message: str, remedy: str) -> DefinitionFinding:
        """Return a finding at a path inside the request."""
        return DefinitionFinding(code, self.step.name, f"{self.path}.{path}", message, remedy)

    def value(self, name: str, default: str | None = None) -> Any:
        """Return a hyperparameter's text, the default if it isn't given, or UNKNOWN if only an execution knows it."""
        if name in self.tuned:
            return UNKNOWN
        value = self.arguments.get(name)
        return (UNKNOWN if default is None else default) if value is None else known(value, self.definition)

    def integer(self, name: str) -> int | None:
        """Return a hyperparameter as a number, its default if it isn't given; None if it isn't known or not valid."""
        default = HYPERPARAMETERS[name].default
        text = self.value(name, None if default is None else str(default))
        return int(text) if isinstance(text, str) and HYPERPARAMETERS[name].allows(text) else None

    def known(self, value: Any) -> Any:
        """Return what a value is when an execution starts with the defaults, or UNKNOWN."""
        return known(value, self.definition)

    def input_mode(self, channel: Json) -> Any:
        """Return the input mode of a channel: its own, or the job's."""
        default = part(self.request, "AlgorithmSpecification").get("TrainingInputMode")
        return self.known(channel.get("InputMode") or default)
