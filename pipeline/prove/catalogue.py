"""All trials: the free ones, then the paid ones in order of worth, then what is left to a person."""

from __future__ import annotations

from collections.abc import Sequence

from groundloop.errors import UserError
from groundloop.suggestions import near_misses
from pipeline.prove.trial import Trial
from pipeline.prove.trials import (
    by_hand,
    definitions,
    endpoint_step,
    isolation,
    monitoring,
    offerings,
    permissions,
    pipeline_run,
    processing,
    serverless,
    step_cache,
    transform,
)

TRIALS: tuple[Trial, ...] = (
    definitions.TRIAL,
    permissions.VALIDATION,
    permissions.SIMULATION,
    permissions.ROLE_SIMULATION,
    offerings.QUOTAS,
    offerings.OFFERINGS,
    offerings.IMAGES,
    # Everything that an execution does; the later ones need its model.
    pipeline_run.TRIAL,
    transform.TRIAL,
    monitoring.TRIAL,
    serverless.TRIAL,
    endpoint_step.TRIAL,
    processing.VPC_JOB,
    processing.PROPERTY_FILES,
    step_cache.TRIAL,
    isolation.TRIAL,
    by_hand.ENDPOINTS,
    by_hand.JOBS,
    by_hand.WATCH,
)


def chosen(only: Sequence[str], *, paid: bool) -> list[Trial]:
    """Return the trials of a run, in their order.

    Args:
        only: ids of trials or of assumptions; empty: all.
        paid: the paid ones too.

    Raises:
        UserError: there is no such id, or it names a paid trial and `paid` is false.
    """
    names = {name: trial for trial in TRIALS for name in (trial.id, *(item.id for item in trial.assumptions))}
    for name in only:
        if name not in names:
            near = near_misses(name, names, count=1)
            raise UserError(
                f"--only {name}: there is no such trial or assumption"
                + (f"; did you mean {near[0]}?" if near else "; `groundloop prove` lists them")
            )
        if not paid and not names[name].free:
            raise UserError(f"--only {name}: AWS bills it, so it needs --run small")
    named = [names[name] for name in only] or list(TRIALS)
    return [trial for trial in TRIALS if trial in named and (paid or trial.free)]
