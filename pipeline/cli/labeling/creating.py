"""What all commands that create a labelling job share: their options, the cost, the question, the creation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.options import AsJson, suggest
from pipeline.cli.output import is_interactive, print_json, print_line, print_values, print_warning

if TYPE_CHECKING:
    from groundloop.labeling.prices import CostBound
    from pipeline.config import Config
    from pipeline.labeling_jobs import PlannedJob

JobName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the labelling job.")]
Attribute = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Label attribute of the output; default: the job's name."),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", "-n", min=1, metavar="N", help="Most images of the job, drawn by a hash of their names."),
]


@dataclass(frozen=True)
class CreationOptions:
    """The options of commands that create what AWS charges for."""

    yes: Annotated[bool, typer.Option("--yes", "-y", help="Spend without asking.")] = False
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the request, checked, and create nothing.")] = False
    as_json: AsJson = False


def create_planned(config: Config, planned: PlannedJob, creation: CreationOptions) -> None:
    """Show what a job is and costs at most, ask, upload its files and create it.

    Args:
        config: the configuration.
        planned: the job.
        creation: whether to ask, to create it at all, and to print JSON.
    """
    from groundloop.labeling.jobs import check_name_is_free, create

    as_json = creation.as_json
    name = planned.request["LabelingJobName"]
    if creation.dry_run:
        print_json(planned.request)
        return
    check_name_is_free(config.aws.region, name)
    if not as_json:
        print_values(_described(planned))
    print_bound(planned.cost, to_stderr=as_json)
    _warn_of_cors(config, planned)
    if not confirmed(f"Create labelling job {name}?", creation):
        return
    from pipeline.labeling_jobs import upload_files

    upload_files(config, planned.files)
    arn = create(config.aws.region, planned.request)
    if as_json:
        print_json({"name": name, "arn": arn, "images": planned.manifest.objects, "usd_at_most": planned.cost.usd})
        return
    print_line(f"created {arn}")
    print_line(f"the workers' link:  {suggest('labeling', 'portal', name)}")
    print_line(f"progress:           {suggest('labeling', 'status', name)}")


def print_bound(cost: CostBound, *, to_stderr: bool) -> None:
    """Print what work costs at most, and what that leaves out; on the offline AWS, what it would cost on AWS."""
    from groundloop.aws import offline_endpoint
    from groundloop.labeling.prices import PRICES_OF

    images = "1 image" if cost.objects == 1 else f"{cost.objects:,} images"
    per_object = f"{images} with {cost.workers} answer{'s' if cost.workers > 1 else ''} each"
    prices = "" if cost.own_prices else f" at the prices of {PRICES_OF}"
    parts = f"${cost.service_usd:,.2f} for AWS{prices}, ${cost.answers_usd:,.2f} for a vendor"
    charged = "nothing is charged on the offline AWS; on AWS " if offline_endpoint() else ""
    print_line(f"cost: {charged}at most ${cost.usd:,.2f}, for {per_object}: {parts}", to_stderr=to_stderr)
    print_line(f"not included: {cost.left_out}", to_stderr=to_stderr)


def confirmed(question: str, creation: CreationOptions) -> bool:
    """Ask before money is spent, where somebody can answer; return whether to go on.

    The offline AWS charges nothing: there nobody is asked.

    Raises:
        BadParameter: nobody can be asked, and `--yes` is not given.
    """
    from groundloop.aws import offline_endpoint

    if creation.yes or offline_endpoint():
        return True
    if creation.as_json or not is_interactive():
        raise typer.BadParameter("this costs money, and there is no terminal to ask on: add --yes")
    if typer.confirm(question):
        return True
    print_line("nothing was created")
    return False


def _described(planned: PlannedJob) -> dict[str, object]:
    request, manifest = planned.request, planned.manifest
    left_out = [f"{manifest.labelled} labelled already"] if manifest.labelled else []
    left_out += [f"{manifest.later} beyond --limit"] if manifest.later else []
    return {
        "labelling job": request["LabelingJobName"],
        "images": f"{manifest.objects:,}" + (f" ({', '.join(left_out)}, left out)" if left_out else ""),
        "label attribute": request["LabelAttributeName"],
        "workteam": request["HumanTaskConfig"]["WorkteamArn"],
    }


def _warn_of_cors(config: Config, planned: PlannedJob) -> None:
    from groundloop.aws import offline_endpoint
    from groundloop.labels.manifest import source_ref_of
    from groundloop.s3 import split_uri
    from pipeline.labeling_jobs import cors_warning

    if offline_endpoint():
        return
    buckets = {split_uri(source_ref_of(line))[0] for line in planned.manifest.content.splitlines()}
    for bucket in sorted(buckets):
        if warning := cors_warning(config.aws.region, bucket):
            print_warning(warning)
