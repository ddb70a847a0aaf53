"""`groundloop a2i collect`: the answers of human loops as labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.a2i.create import FlowName
from pipeline.cli.labeling.outputs import yaml_lines
from pipeline.cli.options import AsJson, Assignments, ConfigFiles, load_with_origins, suggest
from pipeline.cli.output import print_json, print_line, print_lines, print_values

#: A folder for each flow: copies of the outputs, and the manifest of them.
FOLDER = Path("a2i")
MANIFEST = "collected.manifest"


def collect(
    flow: FlowName,
    publish: Annotated[bool, typer.Option("--publish", help="Upload the manifest.")] = False,
    as_json: AsJson = False,
    config: ConfigFiles = None,
    assignments: Assignments = None,
) -> None:
    """Make a manifest of the answers that have arrived.

    Copies new outputs to a2i/FLOW/outputs and writes a2i/FLOW/collected.manifest; collecting again goes on from there.
    Outputs of deleted loops count too. Lines say how their images were chosen, as those of reviews do.

    Example: groundloop a2i collect week-47 --publish
    """
    from groundloop.aws import client
    from groundloop.labeling.flows import find_flow
    from groundloop.labeling.loop_outputs import collect as collected_labels
    from groundloop.labeling.loop_outputs import fetch_outputs
    from groundloop.labels.attributes import CANONICAL
    from pipeline import labeling_jobs
    from pipeline.reviewed_manifest import PARAMETER

    loaded = load_with_origins(config, assignments, incomplete=True)
    region = loaded.config.aws.region
    folder = FOLDER / flow
    new = fetch_outputs(client("s3", region), find_flow(region, flow).output_uri, folder / "outputs")
    found = collected_labels(folder / "outputs", loaded.config.labels.classes or None)
    path = folder / MANIFEST
    path.write_bytes(found.content)
    uri = labeling_jobs.publish(loaded.require("aws.bucket"), flow, found.content) if publish else None
    if as_json:
        print_json(
            {
                "flow": flow,
                "manifest": str(path),
                "new_outputs": new,
                "outputs": len(found.loops),
                "labels": found.images,
                "boxes": found.boxes,
                "negatives": found.negatives,
                "published": uri,
            }
        )
        return
    print_values(
        {
            "outputs": f"{len(found.loops)}, {new} of them new",
            "labels": f"{found.images} images, {found.boxes} boxes, {found.negatives} without objects",
            "manifest": path,
        }
    )
    for note in found.notes:
        print_line(f"note: {note}")
    if uri is None:
        print_line(f"to publish them in S3:  {suggest('a2i', 'collect', flow, '--publish')}")
        return
    print_line(f"\npublished {uri}")
    print_line(f"to train on them:  {suggest('start', '-p', f'{PARAMETER}={uri}')}")
    print_lines(["or, in the configuration:"])
    print_lines(yaml_lines(uri, CANONICAL, (), first=False))
