"""The Select job: finds the version that predicts and the images, checks each of them, and writes what Predict reads.

The champion is looked up when the execution runs, so that a schedule always predicts with the latest approved version.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from groundloop.aws import client, explain
from groundloop.batch.selection import select_images, write_selection
from groundloop.errors import UserError
from groundloop.models.packages import package
from groundloop.models.version_selection import champion, version_of
from steps import jobs
from steps.deploy.arguments import LATEST_APPROVED
from steps.jobs import say
from steps.prepare.outputs import write_json

_LISTED = 100


def parse(argv: Sequence[str] | None) -> Namespace:
    """Parse the arguments; every path has SageMaker's own as its default."""
    parser = ArgumentParser(prog="select", description=__doc__)
    parser.add_argument("--region", required=True)
    parser.add_argument("--group", required=True, help="model package group of the champion")
    parser.add_argument("--package", default=LATEST_APPROVED, help=f"ARN of a version, or {LATEST_APPROVED}")
    parser.add_argument("--source", required=True, help="S3 prefix, or manifest, of the images")
    parser.add_argument("--max-image-mb", type=int, required=True, help="larger images are skipped")
    parser.add_argument("--output", type=Path, default=Path("/opt/ml/processing/output/selection"))
    jobs.add_message_file(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return 0 when there are images to predict, else 1."""
    arguments = parse(argv)
    return jobs.run(lambda: select(arguments), arguments.message_file)


def select(arguments: Namespace) -> None:
    """Select version and images; write the ManifestFile, selection.json and summary.json.

    Raises:
        UserError: no version is approved, there is no image, or AWS rejects a request.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        arn = arguments.package
        if arn == LATEST_APPROVED:
            arn = champion(client("sagemaker", arguments.region), arguments.group)
            if arn is None:
                raise UserError(f"no version of {arguments.group!r} is approved: approve one, or give ModelPackageArn")
        found = package(arguments.region, arn)
        selection = select_images(arguments.source, found, arguments.region, max_payload_mb=arguments.max_image_mb)
    except (BotoCoreError, ClientError) as error:
        raise UserError(explain(error)) from None
    say(f"version {version_of(arn)} predicts {len(selection.images)} images of {arguments.source}")
    for note in selection.notes:
        say(note)
    for image in selection.skipped[:_LISTED]:
        say(f"skipped: {image.source_ref}: {image.reason}")
    if len(selection.skipped) > _LISTED:
        say(f"{len(selection.skipped) - _LISTED} more are skipped; selection.json lists them")
    write_selection(selection, arguments.output)
    counts = {"images": len(selection.images), "skipped": len(selection.skipped)}
    write_json(arguments.output / "summary.json", {"model_package": arn, **counts})


if __name__ == "__main__":
    raise SystemExit(main())
