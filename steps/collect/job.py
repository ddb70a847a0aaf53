"""The Collect job: writes the transform job's outputs as one result in each format."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from groundloop.aws import client, explain
from groundloop.batch.results import read_outputs, write_all_formats
from groundloop.batch.selection import decode_selection
from groundloop.errors import UserError
from groundloop.s3 import read_bytes
from steps import jobs
from steps.jobs import say
from steps.prepare.outputs import write_json


def parse(argv: Sequence[str] | None) -> Namespace:
    """Parse the arguments; every path has SageMaker's own as its default."""
    parser = ArgumentParser(prog="collect", description=__doc__)
    parser.add_argument("--region", required=True)
    parser.add_argument("--selection", required=True, help="S3 URI of selection.json, which Select wrote")
    parser.add_argument("--predictions", required=True, help="S3 prefix of the .out files")
    parser.add_argument("--output", type=Path, default=Path("/opt/ml/processing/output/predictions"))
    jobs.add_message_file(parser)
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job; return 0 when every selected image has its predictions, else 1."""
    arguments = parse(argv)
    return jobs.run(lambda: collect(arguments), arguments.message_file)


def collect(arguments: Namespace) -> None:
    """Read the outputs and write the results, and what was skipped and counted as summary.json.

    Raises:
        UserError: an output is missing or damaged, or AWS rejects a request.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        content = read_bytes(client("s3", arguments.region), arguments.selection)
        selection = decode_selection(content, arguments.selection)
        results = list(read_outputs(arguments.region, selection, arguments.predictions))
    except (BotoCoreError, ClientError) as error:
        raise UserError(explain(error)) from None
    write_all_formats(results, arguments.output)
    counts = dict.fromkeys(selection.classes, 0)
    for result in results:
        for one in result.detections:
            counts[one.class_name] += 1
    say(f"{sum(counts.values())} objects on {len(results)} images; {len(selection.skipped)} skipped")
    summary = {
        "model_package": selection.model_package,
        "images": len(results),
        "objects": counts,
        "skipped": [{"image": image.source_ref, "reason": image.reason} for image in selection.skipped],
        "notes": selection.notes,
    }
    write_json(arguments.output / "summary.json", summary)


if __name__ == "__main__":
    raise SystemExit(main())
