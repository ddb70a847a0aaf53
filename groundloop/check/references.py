"""Checks of every expression: that it is well formed, and that what it refers to exists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from groundloop.check.expression_types import WHOLE, BadReferenceError, check_sampled, declared, get_kind, kind_of
from groundloop.check.findings import DefinitionCode, DefinitionFinding
from groundloop.spec.definition import Definition, Step
from groundloop.spec.expressions import GET, JOIN, JSON_GET, child, expression, expressions, property_file, tokens
from groundloop.suggestions import correction, listed, quoted

_PROPERTY_FILE_KEYS = ("PropertyFileName", "OutputName", "FilePath")


def check_references(definition: Definition) -> Iterator[DefinitionFinding]:
    """Check the expressions of all steps and beside them, and the declared property files."""
    beside = {key: value for key, value in definition.raw.items() if key not in {"Steps", "Parameters"}}
    for path, function, body in expressions(beside, ""):
        yield from _expression(definition, None, path, function, body)
    for step in definition.steps:
        for path, function, body in step.expressions:
            yield from _expression(definition, step, path, function, body)
        yield from _property_files(step)


def _expression(
    definition: Definition, step: Step | None, path: str, function: str, body: Any
) -> Iterator[DefinitionFinding]:
    def finding(code: DefinitionCode, message: str, remedy: str, at: str = path) -> DefinitionFinding:
        return DefinitionFinding(code, step.name if step else None, at, message, remedy)

    try:
        if function == GET:
            if not isinstance(body, str):
                yield finding(
                    DefinitionCode.BAD_EXPRESSION, f"Get takes a path, not {quoted(body)}", "write one path as text"
                )
                return
            get_kind(body, definition)
            if body.startswith("ForEach.") and not (step and any(key == "ForEachBody" for _, key in step.inside)):
                message = f"{body} has a value inside a ForEachBody only"
                yield finding(DefinitionCode.UNKNOWN_VARIABLE, message, "use it in a step of the body")
        elif function == JOIN:
            if not isinstance(body, dict) or not isinstance(body.get("Values"), list):
                message = f"Std:Join takes On and a list of Values, not {quoted(body)}"
                yield finding(DefinitionCode.BAD_EXPRESSION, message, 'write {"On": "/", "Values": [...]}')
                return
            if not isinstance(body.get("On", ""), str) or set(body) - {"On", "Values"}:
                message = "Std:Join takes a text On and a list of Values, nothing else"
                yield finding(DefinitionCode.BAD_EXPRESSION, message, 'write {"On": "/", "Values": [...]}')
            for index, item in enumerate(body["Values"]):
                if (kind := kind_of(item, definition)) in WHOLE:
                    message = f"a {kind} can't be joined to a text"
                    at = f"{path}.Values[{index}]"
                    yield finding(
                        DefinitionCode.WHOLE_STRUCTURE, message, "continue the path to one of its members", at
                    )
        elif function == JSON_GET:
            yield from _json_get(definition, step, path, body)
        else:
            remedy = correction(function, (JOIN, JSON_GET), f"there is: {JOIN}, {JSON_GET}")
            yield finding(DefinitionCode.BAD_EXPRESSION, f"there is no function {quoted(function)}", remedy)
    except BadReferenceError as fault:
        yield finding(fault.code, fault.message, fault.remedy)


def _json_get(definition: Definition, step: Step | None, path: str, body: Any) -> Iterator[DefinitionFinding]:
    """Check a `Std:JsonGet` against the step, its property file and its sample.

    Raises:
        BadReferenceError: the property file or its sample does not have what is read.
    """

    def finding(code: DefinitionCode, message: str, remedy: str, key: str) -> DefinitionFinding:
        return DefinitionFinding(code, step.name if step else None, child(path, key), message, remedy)

    if not isinstance(body, dict) or ("PropertyFile" in body) == ("S3Uri" in body):
        message = "Std:JsonGet takes a Path and either a PropertyFile or an S3Uri"
        raise BadReferenceError(DefinitionCode.BAD_EXPRESSION, message, "give it both, and nothing else")
    inner = body.get("Path")
    if expression(inner):
        message = "the Path of Std:JsonGet can't come from a parameter or a property"
        yield finding(DefinitionCode.BAD_JSON_PATH, message, "write the path itself", "Path")
    elif not isinstance(inner, str) or not tokens(inner.removeprefix("$")):
        message = f"{quoted(inner)} is not a path in a JSON file"
        yield finding(DefinitionCode.BAD_JSON_PATH, message, "write one like metrics.map or items[0]['a b']", "Path")
    if "S3Uri" in body:
        return
    place = property_file(body)
    if place is None:
        message = f"{quoted(body['PropertyFile'])} names no property file"
        remedy = 'write {"Get": "Steps.<step>.PropertyFiles.<name>"}'
        raise BadReferenceError(DefinitionCode.BAD_EXPRESSION, message, remedy)
    name, file = place
    holder = definition.steps_by_name.get(name)
    if holder is None:
        remedy = correction(name, definition.steps_by_name, "name a step of this definition")
        raise BadReferenceError(DefinitionCode.UNKNOWN_STEP, f"there is no step {quoted(name)}", remedy)
    files = [item.get("PropertyFileName") for item in _files(holder) if isinstance(item, dict)]
    if file not in files:
        names = [item for item in files if isinstance(item, str)]
        remedy = correction(file, names, f"declare it in PropertyFiles of {name}; there is: {listed(names) or 'none'}")
        raise BadReferenceError(
            DefinitionCode.UNKNOWN_PROPERTY_FILE, f"step {name} has no property file {quoted(file)}", remedy
        )
    check_sampled(body, definition)


def _files(step: Step) -> list[Any]:
    files = step.raw.get("PropertyFiles")
    return files if isinstance(files, list) else []


def _property_files(step: Step) -> Iterator[DefinitionFinding]:
    names: set[str] = set()
    outputs = declared(step, "ProcessingOutputConfig", "Outputs", "OutputName")
    for index, item in enumerate(_files(step)):
        path = f"PropertyFiles[{index}]"
        texts = {key: item.get(key) if isinstance(item, dict) else None for key in _PROPERTY_FILE_KEYS}
        if not all(isinstance(text, str) and text for text in texts.values()) or set(item) - set(texts):
            message = f"{quoted(item)} is not a property file"
            remedy = f"give it {', '.join(_PROPERTY_FILE_KEYS)}, and nothing else"
            yield DefinitionFinding(DefinitionCode.BAD_PROPERTY_FILE, step.name, path, message, remedy)
            continue
        name, output = str(texts["PropertyFileName"]), str(texts["OutputName"])
        if name in names:
            message = f"property file {quoted(name)} is declared twice"
            yield DefinitionFinding(
                DefinitionCode.DUPLICATE_NAME, step.name, path, message, "remove or rename one of them"
            )
        names.add(name)
        if outputs is not None and output not in outputs:
            message = f"property file {name} is in output {quoted(output)}, which the step does not have"
            remedy = correction(output, outputs, f"use one of its outputs: {listed(outputs) or 'there are none'}")
            yield DefinitionFinding(DefinitionCode.UNKNOWN_OUTPUT, step.name, f"{path}.OutputName", message, remedy)
        if str(texts["FilePath"]).startswith(("/", "s3:")):
            message = f"{quoted(texts['FilePath'])} is not a path inside the output"
            remedy = "write it relative to the output's folder"
            yield DefinitionFinding(DefinitionCode.BAD_PROPERTY_FILE, step.name, f"{path}.FilePath", message, remedy)
