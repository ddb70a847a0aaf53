"""All checks of a definition, together."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from groundloop.check.business_rules import check_rules
from groundloop.check.conditions import check_conditions
from groundloop.check.findings import DefinitionCode, DefinitionFinding, Severity
from groundloop.check.instances import check_instances
from groundloop.check.object_detection import check_algorithm
from groundloop.check.order import check_order
from groundloop.check.parameters import check_parameters
from groundloop.check.references import check_references
from groundloop.check.requests import check_requests
from groundloop.check.steps import check_steps
from groundloop.check.tuning import check_tuning
from groundloop.spec.definition import TOP_KEYS, VERSION, Definition, Fault, Json, parse_definition
from groundloop.suggestions import correction, quoted

_MAX_BYTES = 1_048_576
#: From this size on the SDK and the upsert command send the definition through S3.
_MIN_S3_BYTES = 100 * 1024
_CHECKS = (
    check_parameters,
    check_steps,
    check_references,
    check_order,
    check_conditions,
    check_requests,
    check_rules,
    check_tuning,
    check_instances,
    check_algorithm,
)


def check_definition(
    definition: Json, *, size: int | None = None, samples: Mapping[str, Any] | None = None
) -> list[DefinitionFinding]:
    """Check a pipeline definition for everything that can be known without asking AWS.

    Args:
        definition: the definition's JSON, parsed.
        size: bytes of the text that is sent to the service; by default those of compact JSON.
        samples: contents of property files as an earlier run wrote them, by `Step.PropertyFileName`. With one,
            the paths of `Std:JsonGet` are looked up in it, and the types found there are held against their slots.

    Returns:
        The findings in the order of the steps, those of the whole definition first; of a step, errors first.
    """
    document, faults = parse_definition(definition, samples)
    findings = [_finding(fault) for fault in faults]
    findings += _whole(document, size)
    for check in _CHECKS:
        findings += check(document)
    order = {name: index for index, name in enumerate(document.steps_by_name, start=1)}
    unique = list(dict.fromkeys(findings))
    return sorted(
        unique, key=lambda found: (order.get(found.step, 0) if found.step else 0, found.severity is Severity.WARNING)
    )


def _finding(fault: Fault) -> DefinitionFinding:
    code = DefinitionCode.BAD_NAME if fault.is_unnamed_step else DefinitionCode.MALFORMED
    return DefinitionFinding(code, fault.step, fault.path, fault.message, fault.remedy)


def _whole(document: Definition, size: int | None) -> Iterator[DefinitionFinding]:
    version = document.raw.get("Version")
    if version != VERSION:
        message = f"Version is {quoted(version)}"
        yield DefinitionFinding(DefinitionCode.WRONG_VERSION, None, "Version", message, f"write {quoted(VERSION)}")
    for key in document.raw:
        if key not in TOP_KEYS:
            remedy = correction(key, TOP_KEYS, f"remove it; there is: {', '.join(sorted(TOP_KEYS))}")
            yield DefinitionFinding(
                DefinitionCode.UNKNOWN_KEY, None, str(key), f"a definition has no {quoted(key)}", remedy
            )
    size = len(json.dumps(document.raw)) if size is None else size
    if size > _MAX_BYTES:
        message = f"the definition has {size:,} bytes, the API takes {_MAX_BYTES:,}"
        yield DefinitionFinding(
            DefinitionCode.TOO_LARGE_DEFINITION, None, "", message, "move what is large into files in S3"
        )
    elif size >= _MIN_S3_BYTES:
        message = f"the definition has {size:,} bytes: from {_MIN_S3_BYTES:,} on it is sent through an object in S3"
        yield DefinitionFinding(
            DefinitionCode.LARGE_DEFINITION, None, "", message, "move what is large into files in S3"
        )
