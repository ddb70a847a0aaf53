"""What is not AWS's in a tuning job of the offline AWS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundloop.local.errors import JobError
from groundloop.local.image_stand_ins import BUILT_IN, ImageStandIn, program_for
from groundloop.spec.tuning import parameter_ranges, part

SEARCH_NOTE = (
    "the search is Optuna's, a stand-in for Amazon's automatic model tuning, which tries other values in another order"
)


def stand_in_notes(request: Mapping[str, Any], programs: Mapping[str, ImageStandIn] = BUILT_IN) -> list[str]:
    """Return what is not AWS's in a tuning job of the offline AWS, one sentence each.

    Args:
        request: of CreateHyperParameterTuningJob.
        programs: stand-ins by image.

    Example:
        >>> image = {"TrainingImage": "433757028032.dkr.ecr.us-west-2.amazonaws.com/object-detection:1"}
        >>> ranges = {"CategoricalParameterRanges": [{"Name": "optimizer", "Values": ["sgd", "adam"]}]}
        >>> config = {"ParameterRanges": ranges}
        >>> job = {"AlgorithmSpecification": image}
        >>> stand_in_notes({"HyperParameterTuningJobConfig": config, "TrainingJobDefinition": job})[1]
        'tuning optimizer changes nothing offline: the stand-in for the training image ignores it'
    """
    image = part(request.get("TrainingJobDefinition"), "AlgorithmSpecification").get("TrainingImage")
    notes = [SEARCH_NOTE]
    try:
        # In a definition it may be an expression.
        ignored = program_for(image if isinstance(image, str) else "", programs).ignored
    except JobError:
        return notes  # each training job says that nothing stands in for its image
    ranges = [item.get("Name") for _, _, item in parameter_ranges(request)]
    names = [name for name in ranges if isinstance(name, str) and name in ignored]
    if names:
        them = "it" if len(names) == 1 else "them"
        notes.append(
            f"tuning {', '.join(names)} changes nothing offline: the stand-in for the training image ignores {them}"
        )
    return notes
