"""What a search on the offline AWS does not share with one on AWS."""

from __future__ import annotations

import json

from groundloop.aws import client, offline_endpoint
from groundloop.spec.definition import parse_definition


def offline_search_notes(region: str, pipeline: str) -> list[str]:
    """Return what is not AWS's in the searches of a deployed pipeline; nothing on AWS itself.

    Args:
        region: AWS region.
        pipeline: name of the pipeline.
    """
    if offline_endpoint() is None:
        return []
    from groundloop.local.jobs.tuning_notes import stand_in_notes

    text = client("sagemaker", region).describe_pipeline(PipelineName=pipeline)["PipelineDefinition"]
    steps = parse_definition(json.loads(text))[0].steps
    requests = [step.arguments for step in steps if step.type == "Tuning" and "TrainingJobDefinition" in step.arguments]
    return list(dict.fromkeys(note for request in requests for note in stand_in_notes(request)))
