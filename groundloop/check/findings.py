"""The findings of the checker: stable codes, severity, place, and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum

from groundloop.findings import Severity as Severity


class DefinitionCode(str, Enum):
    """The code of a finding."""

    # the definition and its steps
    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown-key"
    WRONG_VERSION = "wrong-version"
    TOO_LARGE_DEFINITION = "definition-too-large"
    LARGE_DEFINITION = "large-definition"
    BAD_NAME = "bad-name"
    DUPLICATE_NAME = "duplicate-name"
    UNKNOWN_STEP_TYPE = "unknown-step-type"
    UNCHECKED_STEP_TYPE = "unchecked-step-type"
    BAD_CACHE = "bad-cache"
    NEVER_CACHED = "never-cached"
    BAD_RETRY = "bad-retry"
    NEVER_RETRIED = "never-retried"
    BAD_CONDITION = "bad-condition"
    CONDITION_TYPES = "condition-types"
    IDLE_CONDITION = "idle-condition"
    NESTED_CONDITION = "nested-condition"
    ALWAYS_FAILS = "always-fails"
    # parameters
    BAD_PARAMETER = "bad-parameter"
    BAD_DEFAULT = "bad-default"
    NO_DEFAULT = "no-default"
    EMPTY_DEFAULT = "empty-default"
    TOO_MANY_VALUES = "too-many-values"
    TOO_MANY_PARAMETERS = "too-many-parameters"
    UNUSED_PARAMETER = "unused-parameter"
    NAME_NOT_FOR_EVENTS = "name-not-for-events"
    # arguments against the API
    REQUIRED = "required"
    UNKNOWN_MEMBER = "unknown-member"
    WRONG_TYPE = "wrong-type"
    NOT_IN_ENUM = "not-in-enum"
    OUT_OF_RANGE = "out-of-range"
    WRONG_LENGTH = "wrong-length"
    BAD_PATTERN = "bad-pattern"
    EXCLUSIVE = "exclusive"
    SPOT = "spot"
    TUNING_RANGE = "tuning-range"
    TUNING_STRATEGY = "tuning-strategy"
    SHARED_CHECKPOINTS = "shared-checkpoints"
    NO_CHECKPOINTS = "no-checkpoints"
    FIXED_NAME = "fixed-name"
    RETIRED_INSTANCE = "retired-instance"
    VOLUME_KEY = "volume-key"
    AUGMENTED_MANIFEST = "augmented-manifest"
    # references
    BAD_EXPRESSION = "bad-expression"
    UNKNOWN_PARAMETER = "unknown-parameter"
    UNKNOWN_STEP = "unknown-step"
    UNKNOWN_PROPERTY = "unknown-property"
    UNKNOWN_OUTPUT = "unknown-output"
    UNKNOWN_VARIABLE = "unknown-variable"
    WHOLE_STRUCTURE = "whole-structure"
    BAD_PROPERTY_FILE = "bad-property-file"
    UNKNOWN_PROPERTY_FILE = "unknown-property-file"
    BAD_JSON_PATH = "bad-json-path"
    # order
    CYCLE = "cycle"
    OTHER_BRANCH = "other-branch"
    MAY_NOT_RUN = "may-not-run"
    AFTER_CONDITION = "after-condition"
    # the built-in Object Detection algorithm
    CHANNELS = "algorithm-channels"
    CONTENT_TYPE = "algorithm-content-type"
    NOT_SHUFFLED = "algorithm-not-shuffled"
    INCREMENTAL = "algorithm-incremental"
    INCREMENTAL_WEIGHTS = "algorithm-incremental-weights"
    HYPERPARAMETER = "algorithm-hyperparameter"
    BATCH_SIZE = "algorithm-batch-size"
    BATCH_MEMORY = "algorithm-batch-memory"
    LEARNING_STEPS = "algorithm-learning-steps"
    INSTANCES = "algorithm-instances"
    UNLISTED_INSTANCE = "algorithm-unlisted-instance"
    IMAGE = "algorithm-image"
    IMAGE_TAG = "algorithm-image-tag"
    METRICS = "algorithm-metrics"
    OBJECTIVE = "algorithm-objective"

    @property
    def severity(self) -> Severity:
        """Whether the code is an error or a warning."""
        return Severity.WARNING if self in _WARNINGS else Severity.ERROR


_WARNINGS = {
    DefinitionCode.LARGE_DEFINITION,
    DefinitionCode.UNCHECKED_STEP_TYPE,
    DefinitionCode.NEVER_CACHED,
    DefinitionCode.NEVER_RETRIED,
    DefinitionCode.ALWAYS_FAILS,
    DefinitionCode.IDLE_CONDITION,
    DefinitionCode.NO_DEFAULT,
    DefinitionCode.EMPTY_DEFAULT,
    DefinitionCode.UNUSED_PARAMETER,
    DefinitionCode.NAME_NOT_FOR_EVENTS,
    DefinitionCode.NO_CHECKPOINTS,
    DefinitionCode.SHARED_CHECKPOINTS,
    DefinitionCode.FIXED_NAME,
    DefinitionCode.RETIRED_INSTANCE,
    DefinitionCode.MAY_NOT_RUN,
    DefinitionCode.AFTER_CONDITION,
    DefinitionCode.NOT_SHUFFLED,
    DefinitionCode.INCREMENTAL_WEIGHTS,
    DefinitionCode.BATCH_MEMORY,
    DefinitionCode.UNLISTED_INSTANCE,
    DefinitionCode.IMAGE_TAG,
}


@dataclass(frozen=True)
class DefinitionFinding:
    """One problem. `step` is None for what concerns the whole definition; `path` leads to the place from there."""

    code: DefinitionCode
    step: str | None
    path: str
    message: str
    remedy: str

    @property
    def severity(self) -> Severity:
        """The severity of its code."""
        return self.code.severity

    @property
    def text(self) -> str:
        """Place, message and remedy in one line."""
        place = ": ".join(part for part in (self.step, self.path) if part)
        return f"{place + ': ' if place else ''}{self.message}; {self.remedy}"

    def as_json(self) -> dict[str, str | None]:
        """Return the finding as a JSON object for scripts; these keys stay."""
        return {**asdict(self), "severity": self.severity.value, "code": self.code.value}
