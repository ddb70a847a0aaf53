"""Checks of a step's members beside its Arguments: name and type, keys, caching and retries; and of Fail steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from groundloop.check.expression_types import kind_of
from groundloop.check.findings import DefinitionCode, DefinitionFinding
from groundloop.spec import retries
from groundloop.spec.caching import is_enabled, model_of_each_execution, parse_duration
from groundloop.spec.definition import PARAMETER_TYPES, STEP_KEYS, STEP_NAME, Definition, Step
from groundloop.spec.step_types import STEP_TYPES, StepType
from groundloop.suggestions import correction, listed, nearest, quoted

_MAX_LENGTHS = {"DisplayName": 256, "Description": 3072}
_MAX_MESSAGE_LENGTH = 3072


def check_steps(definition: Definition) -> Iterator[DefinitionFinding]:
    """Check the members of each step beside its Arguments."""
    seen: set[str] = set()
    for step in definition.steps:
        if step.name in seen:
            message = f"two steps are named {quoted(step.name)}; names count across all branches"
            yield DefinitionFinding(DefinitionCode.DUPLICATE_NAME, step.name, "Name", message, "rename one of them")
        seen.add(step.name)
        yield from _frame(step)
        kind = STEP_TYPES.get(step.type)
        if kind is None:
            yield from _unknown_type(step)
            continue
        yield from _keys(step, kind)
        yield from _cache(step, kind)
        yield from _transform_cache(step, definition)
        yield from _retries(step, kind)
        if step.type in {"Lambda", "Callback"}:
            yield from _outputs(step)
        if step.type == "Fail":
            yield from _fail(step, definition)


def _frame(step: Step) -> Iterator[DefinitionFinding]:
    if isinstance(step.raw.get("Name"), str) and step.name and not STEP_NAME.fullmatch(step.name):
        message = f"{quoted(step.name)} is not a valid step name"
        yield DefinitionFinding(
            DefinitionCode.BAD_NAME, step.name, "Name", message, "use up to 64 of A-Z, a-z, 0-9, - and _"
        )
    if not isinstance(step.raw.get("Arguments"), dict):
        message = "the step has no Arguments" if step.raw.get("Arguments") is None else "Arguments is not an object"
        yield DefinitionFinding(
            DefinitionCode.MALFORMED, step.name, "Arguments", message, "write an object, {} if there are none"
        )
    for key, max_length in _MAX_LENGTHS.items():
        text = step.raw.get(key)
        if text is not None and (not isinstance(text, str) or len(text) > max_length):
            message = f"{quoted(text)} is not a string of up to {max_length} characters"
            yield DefinitionFinding(DefinitionCode.WRONG_LENGTH, step.name, key, message, "shorten it")


def _unknown_type(step: Step) -> Iterator[DefinitionFinding]:
    if not step.type:
        return
    near = nearest(step.type, STEP_TYPES)
    # A known name with more behind it may be a newer type: the service has AutoML jobs of a second version, too.
    if near and not step.type.startswith(near):
        message = f"there is no step type {quoted(step.type)}"
        yield DefinitionFinding(DefinitionCode.UNKNOWN_STEP_TYPE, step.name, "Type", message, f"write {quoted(near)}")
    else:
        message = f"step type {quoted(step.type)} is not known here, so the step's Arguments were not checked"
        yield DefinitionFinding(
            DefinitionCode.UNCHECKED_STEP_TYPE, step.name, "Type", message, "make sure that the service has this type"
        )


def _keys(step: Step, kind: StepType) -> Iterator[DefinitionFinding]:
    allowed = STEP_KEYS | kind.keys
    for key in step.raw:
        if key not in allowed | {"CacheConfig", "RetryPolicies"}:
            message = f"a step of type {step.type} has no {quoted(key)}"
            near = nearest(key, [*allowed, "CacheConfig", "RetryPolicies"])
            remedy = f"write {quoted(near)}" if near else f"remove it; there is: {listed(sorted(allowed), near=key)}"
            yield DefinitionFinding(DefinitionCode.UNKNOWN_KEY, step.name, key, message, remedy)
    for key, needed in (("FunctionArn", "Lambda"), ("SqsQueueUrl", "Callback")):
        if step.type == needed and step.raw.get(key) in (None, ""):
            yield DefinitionFinding(
                DefinitionCode.REQUIRED, step.name, key, f"{key} is required and missing", f"add {key}"
            )


def _cache(step: Step, kind: StepType) -> Iterator[DefinitionFinding]:
    config = step.raw.get("CacheConfig")
    if config is None:
        return
    if not isinstance(config, dict) or not isinstance(config.get("Enabled"), bool):
        message = "CacheConfig takes Enabled (true or false) and ExpireAfter"
        yield DefinitionFinding(
            DefinitionCode.BAD_CACHE,
            step.name,
            "CacheConfig",
            message,
            'write {"Enabled": true, "ExpireAfter": "P30D"}',
        )
        return
    for key in sorted(set(config) - {"Enabled", "ExpireAfter"}):
        remedy = correction(key, ("Enabled", "ExpireAfter"), "remove it")
        yield DefinitionFinding(
            DefinitionCode.BAD_CACHE, step.name, f"CacheConfig.{key}", f"CacheConfig has no {quoted(key)}", remedy
        )
    expiry = config.get("ExpireAfter")
    if expiry is not None and not _is_duration(expiry):
        message = f"{quoted(expiry)} is not an ISO 8601 duration"
        remedy = "write one like P30D (30 days) or PT12H (12 hours)"
        yield DefinitionFinding(DefinitionCode.BAD_CACHE, step.name, "CacheConfig.ExpireAfter", message, remedy)
    if config["Enabled"] and not kind.cached:
        message = f"steps of type {step.type} are never taken from the cache"
        yield DefinitionFinding(DefinitionCode.NEVER_CACHED, step.name, "CacheConfig", message, "remove CacheConfig")


def _transform_cache(step: Step, definition: Definition) -> Iterator[DefinitionFinding]:
    types = {name: other.type for name, other in definition.steps_by_name.items()}
    model = model_of_each_execution(step.type, step.arguments, types)
    if model and is_enabled(step.raw.get("CacheConfig")):
        message = f"the step never comes from the cache: {model} makes a model of another name in each execution"
        yield DefinitionFinding(DefinitionCode.NEVER_CACHED, step.name, "CacheConfig", message, "remove CacheConfig")


def _is_duration(value: Any) -> bool:
    try:
        parse_duration(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _retries(step: Step, kind: StepType) -> Iterator[DefinitionFinding]:
    policies = step.raw.get("RetryPolicies")
    if policies is None:
        return
    if not kind.retried:
        message = f"steps of type {step.type} are never retried by a policy"
        yield DefinitionFinding(
            DefinitionCode.NEVER_RETRIED, step.name, "RetryPolicies", message, "remove RetryPolicies"
        )
    if not isinstance(policies, list):
        yield DefinitionFinding(
            DefinitionCode.BAD_RETRY, step.name, "RetryPolicies", "it is not a list of policies", "write a list"
        )
        return
    for index, policy in enumerate(policies):
        path = f"RetryPolicies[{index}]"
        if not isinstance(policy, dict):
            message = f"{quoted(policy)} is not a policy"
            yield DefinitionFinding(
                DefinitionCode.BAD_RETRY, step.name, path, message, "write an object with ExceptionType and MaxAttempts"
            )
        else:
            yield from _policy(step, policy, path)


def _policy(step: Step, policy: dict[str, Any], path: str) -> Iterator[DefinitionFinding]:
    for key in sorted(set(policy) - retries.KEYS):
        remedy = correction(key, retries.KEYS, "remove it")
        yield DefinitionFinding(
            DefinitionCode.BAD_RETRY, step.name, f"{path}.{key}", f"a retry policy has no {quoted(key)}", remedy
        )
    if not retries.has_one_limit(policy):
        message = "a retry policy has either MaxAttempts or ExpireAfterMin"
        yield DefinitionFinding(DefinitionCode.BAD_RETRY, step.name, path, message, "give one of them")
    for key, (minimum, maximum) in retries.RANGES.items():
        value = policy.get(key)
        if value is None:
            continue
        fits = isinstance(value, int | float) and not isinstance(value, bool) and value >= minimum
        if not fits or (maximum is not None and value > maximum):
            message = f"{quoted(value)} is out of range"
            remedy = f"use a number from {minimum} to {maximum}" if maximum else f"use a number of at least {minimum}"
            yield DefinitionFinding(DefinitionCode.BAD_RETRY, step.name, f"{path}.{key}", message, remedy)
    named = 0
    for key in retries.EXCEPTION_KEYS:
        listed_types = policy.get(key) or []
        for index, name in enumerate(listed_types if isinstance(listed_types, list) else [listed_types]):
            named += 1
            if name not in retries.EXCEPTIONS:
                message = f"there is no exception {quoted(name)} to retry"
                remedy = correction(name, retries.EXCEPTIONS, f"use one of {', '.join(retries.EXCEPTIONS)}")
                yield DefinitionFinding(DefinitionCode.BAD_RETRY, step.name, f"{path}.{key}[{index}]", message, remedy)
    if not named:
        message = "the policy names no exception that it retries"
        yield DefinitionFinding(
            DefinitionCode.BAD_RETRY,
            step.name,
            path,
            message,
            f"add ExceptionType, with any of {', '.join(retries.EXCEPTIONS)}",
        )


def _outputs(step: Step) -> Iterator[DefinitionFinding]:
    outputs = step.raw.get("OutputParameters")
    names: set[str] = set()
    for index, item in enumerate(outputs if isinstance(outputs, list) else []):
        path = f"OutputParameters[{index}]"
        name, kind = (item.get("OutputName"), item.get("OutputType")) if isinstance(item, dict) else (None, None)
        if not isinstance(name, str) or kind not in PARAMETER_TYPES:
            message = f"{quoted(item)} is not an output"
            remedy = correction(
                kind, PARAMETER_TYPES, f"give it an OutputName and an OutputType of {listed(PARAMETER_TYPES)}"
            )
            yield DefinitionFinding(DefinitionCode.MALFORMED, step.name, path, message, remedy)
        elif name in names:
            message = f"output {quoted(name)} is declared twice"
            yield DefinitionFinding(
                DefinitionCode.DUPLICATE_NAME, step.name, path, message, "remove or rename one of them"
            )
        else:
            names.add(name)


def _fail(step: Step, definition: Definition) -> Iterator[DefinitionFinding]:
    for key in sorted(set(step.arguments) - {"ErrorMessage"}):
        remedy = correction(key, ("ErrorMessage",), "remove it")
        path = f"Arguments.{key}"
        yield DefinitionFinding(
            DefinitionCode.UNKNOWN_MEMBER, step.name, path, f"a Fail step has no argument {quoted(key)}", remedy
        )
    text = step.arguments.get("ErrorMessage")
    kind = kind_of(text, definition)
    if kind not in {None, "String"}:
        message = f"the message is of type {kind}, not String"
        yield DefinitionFinding(
            DefinitionCode.WRONG_TYPE, step.name, "Arguments.ErrorMessage", message, "wrap it in Std:Join (to_string)"
        )
    elif isinstance(text, str) and len(text) > _MAX_MESSAGE_LENGTH:
        message = f"ErrorMessage has {len(text)} characters"
        remedy = f"use at most {_MAX_MESSAGE_LENGTH}"
        yield DefinitionFinding(DefinitionCode.WRONG_LENGTH, step.name, "Arguments.ErrorMessage", message, remedy)
    if not step.inside and not step.dependencies and kind == "String" and isinstance(text, str):
        message = "the step waits for nothing and is in no branch: every execution fails at once"
        yield DefinitionFinding(
            DefinitionCode.ALWAYS_FAILS, step.name, "", message, "move it into a branch of a Condition step"
        )
