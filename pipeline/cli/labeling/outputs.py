"""`groundloop labeling outputs` and `portal`: the labels of a job, and the link for those who make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.labeling.creating import JobName
from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load_with_origins, suggest
from pipeline.cli.output import print_json, print_line, print_lines, print_values, print_warning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from groundloop.labeling.output_manifest import OutputManifest

_MAX_FINDINGS = 5


def outputs(
    name: JobName,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Check a job's labels and publish them for training.

    The output manifest is copied under a name made from its content: SageMaker's cache compares names, and a job that
    labels more rewrites its output in place. Prints what to write into the configuration.

    Example: groundloop labeling outputs week-47
    """
    from groundloop.aws import client
    from groundloop.errors import UserError
    from groundloop.labeling.jobs import describe, output_manifest_uri
    from groundloop.labeling.output_manifest import read_output_manifest, read_verdicts
    from groundloop.s3 import read_bytes
    from groundloop.spec.labeling_jobs import TaskType
    from pipeline.labeling_jobs import publish

    loaded = load_with_origins(config, assignments, incomplete=True)
    settings = loaded.require("aws.bucket")
    region = settings.aws.region
    state = describe(region, name)
    content = read_bytes(client("s3", region), output_manifest_uri(region, state))
    if state.task_type is TaskType.VERIFICATION:
        verdicts = read_verdicts(content, state.attribute)
        if as_json:
            print_json(verdicts)
        else:
            _print_verdicts(name, verdicts, _verified_job(region, content, state.attribute))
        return
    found = read_output_manifest(content, state.attribute)
    if not (found.labelled or found.negatives):
        raise UserError(f"labelling job {name!r}: no line has labels with boxes that can be read{_first(found)}")
    uri = publish(settings, name, content)
    if as_json:
        print_json(_as_json(found, uri, state.attribute))
        return
    images = found.labelled + found.negatives
    print_values(
        {
            "labels": f"{images} images, {found.boxes} boxes, {found.negatives} without objects",
            "not labelled": f"{found.unlabelled}, and {found.failed} failed",
            "classes": ", ".join(found.classes),
            "manifest": uri,
        }
    )
    for finding in found.findings[:_MAX_FINDINGS]:
        print_warning(f"line {finding.line}: {finding.message}")
    if state.is_running:
        print_line(f"note: the job is {state.status}: more labels will come")
    print_lines(["", "to train on them, in the configuration:"])
    first = "labels.manifest" in loaded.missing
    print_lines(yaml_lines(uri, state.attribute, found.classes, first=first))


def portal(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Labelling job; default: the workteam of the configuration.")
    ] = None,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Print the link under which the workteam's members work.

    Example: groundloop labeling portal week-47
    """
    from groundloop.errors import ConfigError
    from groundloop.labeling.jobs import describe, portal_link

    settings = load_with_origins(config, assignments, incomplete=True).config
    region = settings.aws.region
    workteam = settings.labeling.workteam if name is None else describe(region, name).workteam
    if workteam is None:
        raise ConfigError(
            f"labeling.workteam is not set: give a labelling job, as in {suggest('labeling', 'portal', 'NAME')}"
        )
    print_line(portal_link(region, workteam))


def yaml_lines(uri: str, attribute: str, classes: Sequence[str], *, first: bool) -> list[str]:
    """Return what to write into the configuration to train on a manifest.

    Args:
        uri: of the manifest.
        attribute: its label attribute.
        classes: names that it has.
        first: whether there are no other labels.
    """
    import yaml

    source: dict[str, Any] = {"uri": uri, "attribute": attribute}
    labels: dict[str, Any] = (
        {"manifest": uri, "attribute": attribute, "classes": list(classes)}
        if first
        else {"additional_sources": [source]}
    )
    text = yaml.safe_dump({"labels": labels}, sort_keys=False, allow_unicode=True, width=10_000)
    return [f"  {line}" for line in text.splitlines()]


def _verified_job(region: str, content: bytes, attribute: str) -> str | None:
    """Return the job whose labels a job verified; None when it isn't known, or several have labelled the images."""
    from groundloop.errors import UserError
    from groundloop.labeling.jobs import describe
    from groundloop.labeling.output_manifest import jobs_of_other_labels

    found = jobs_of_other_labels(content, attribute)
    if len(found) != 1:
        return None
    try:
        return describe(region, found.pop()).name
    except UserError:  # converted labels, for one, name a job that there never was
        return None


def _print_verdicts(name: str, verdicts: dict[str, list[str]], verified: str | None) -> None:
    """Print the verdicts of a verification job, and the images that are not good."""
    print_values({verdict or "no verdict": f"{len(images)} images" for verdict, images in sorted(verdicts.items())})
    for verdict, images in sorted(verdicts.items()):
        if verdict not in ("", "good"):
            print_lines(f"{verdict}: {image}" for image in images)
    adjust = suggest("labeling", "adjust", f"{name}-adjusted", "--of", verified or "JOB")
    print_line(f"labels are not changed; to correct them:  {adjust}")


def _first(found: OutputManifest) -> str:
    return f"; line {found.findings[0].line}: {found.findings[0].message}" if found.findings else ""


def _as_json(found: OutputManifest, uri: str, attribute: str) -> dict[str, Any]:
    return {
        "manifest": uri,
        "attribute": attribute,
        "labelled": found.labelled,
        "negatives": found.negatives,
        "unlabelled": found.unlabelled,
        "failed": found.failed,
        "boxes": found.boxes,
        "classes": list(found.classes),
        "errors": found.errors,
    }
