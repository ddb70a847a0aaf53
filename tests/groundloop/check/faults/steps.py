"""Faults in a step's name, type, cache, retries and Fail message."""

from __future__ import annotations

import pytest

from groundloop.check import DefinitionCode
from tests.groundloop.check.faults.edits import FAIL, add_step, drop, get, put, rename

FAULTS = [
    pytest.param(
        [put("Register", "Name", "Train")],
        DefinitionCode.DUPLICATE_NAME,
        "Train",
        "Name",
        "two steps",
        id="name used again in a branch",
    ),
    pytest.param(
        [put("GateMissed", "Name", "Gate missed")],
        DefinitionCode.BAD_NAME,
        "Gate missed",
        "Name",
        "Gate missed",
        id="step's name with a space",
    ),
    pytest.param(
        [put("Train", "Type", "Trainning")],
        DefinitionCode.UNKNOWN_STEP_TYPE,
        "Train",
        "Type",
        "Trainning",
        id="step type misspelt",
    ),
    pytest.param(
        [rename("Train", "CacheConfig", "CachConfig")],
        DefinitionCode.UNKNOWN_KEY,
        "Train",
        "CachConfig",
        "CachConfig",
        id="step's key misspelt",
    ),
    pytest.param(
        [drop("Prepare", "Arguments")],
        DefinitionCode.MALFORMED,
        "Prepare",
        "Arguments",
        "no Arguments",
        id="step without arguments",
    ),
    pytest.param(
        [put("Train", "CacheConfig.ExpireAfter", "30 days")],
        DefinitionCode.BAD_CACHE,
        "Train",
        "CacheConfig.ExpireAfter",
        "30 days",
        id="duration that is none",
    ),
    pytest.param(
        [put("Train", "CacheConfig.Enabled", "true")],
        DefinitionCode.BAD_CACHE,
        "Train",
        "CacheConfig",
        "Enabled",
        id="cache switched on with a text",
    ),
    pytest.param(
        [put("CreateModel", "CacheConfig", {"Enabled": True, "ExpireAfter": "P1D"})],
        DefinitionCode.NEVER_CACHED,
        "CreateModel",
        "CacheConfig",
        "Model",
        id="cache for a step that has none",
    ),
    pytest.param(
        [put("Train", "RetryPolicies.0.ExceptionType", ["SageMaker.CAPACITY"])],
        DefinitionCode.BAD_RETRY,
        "Train",
        "RetryPolicies[0].ExceptionType[0]",
        "SageMaker.CAPACITY",
        id="retry of an unknown exception",
    ),
    pytest.param(
        [put("Train", "RetryPolicies.0.MaxAttempts", 50)],
        DefinitionCode.BAD_RETRY,
        "Train",
        "RetryPolicies[0].MaxAttempts",
        "50",
        id="fifty attempts",
    ),
    pytest.param(
        [put("Train", "RetryPolicies.0.ExpireAfterMin", 5)],
        DefinitionCode.BAD_RETRY,
        "Train",
        "RetryPolicies[0]",
        "either",
        id="retry with two ends",
    ),
    pytest.param(
        [put("Endpoint", "RetryPolicies", [{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 2}])],
        DefinitionCode.NEVER_RETRIED,
        "Endpoint",
        "RetryPolicies",
        "Endpoint",
        id="retry of a step that has none",
    ),
    pytest.param(
        [put("GateMissed", "Arguments.ErrorMessage", get("Parameters.Epochs"))],
        DefinitionCode.WRONG_TYPE,
        "GateMissed",
        "Arguments.ErrorMessage",
        "Integer",
        id="number as error message",
    ),
    pytest.param(
        [rename("GateMissed", "Arguments.ErrorMessage", "Message")],
        DefinitionCode.UNKNOWN_MEMBER,
        "GateMissed",
        "Arguments.Message",
        "Message",
        id="unknown argument of Fail",
    ),
    pytest.param(
        [add_step(FAIL)], DefinitionCode.ALWAYS_FAILS, "Stop", "", "fails at once", id="Fail step outside of any branch"
    ),
]
