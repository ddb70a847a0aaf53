"""The arguments of the Prepare job."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from groundloop.labels.attributes import AUTO
from groundloop.labels.boxes import CLIP_TOLERANCE
from groundloop.labels.duplicates import Duplicates
from groundloop.labels.image_check import ImageCheck
from groundloop.labels.training_requirements import IMAGE_SHAPE
from steps import jobs
from steps.prepare.parallel import PROCESSES, SPARK
from steps.prepare.sources import NO_IMAGES


def parse(argv: Sequence[str] | None) -> Namespace:
    """Parse the arguments; every path defaults to SageMaker's."""
    processing = Path("/opt/ml/processing")
    parser = ArgumentParser(prog="prepare", description="Check a Ground Truth manifest and split it.")
    parser.add_argument("--manifest", type=Path, default=processing / "input/manifest", help="folder with the manifest")
    parser.add_argument("--manifest-uri", default="", help="the manifest's S3 URI: picks the file in the folder")
    parser.add_argument(
        "--additional-source",
        nargs=5,
        action="append",
        metavar=("FOLDER", "FORMAT", "ATTRIBUTE", "IMAGES", "URI"),
        help=f"further labels, which take precedence over earlier ones: {AUTO} recognises the format or attribute, "
        f"{NO_IMAGES} where no folder of images is needed",
    )
    parser.add_argument(
        "--reviewed-manifest",
        type=Path,
        default=processing / "input/reviewed-manifest",
        help="folder with the labels that people reviewed, which take precedence over all others",
    )
    parser.add_argument("--reviewed-manifest-uri", default="", help="its manifest's S3 URI; empty: there is none")
    parser.add_argument("--label-attribute", default=AUTO, help="auto: the only one that holds boxes")
    parser.add_argument("--classes", nargs="+", help="class names in id order; default: all names of the maps, sorted")
    parser.add_argument("--validation-fraction", type=float, default=0.15)
    parser.add_argument("--test-fraction", type=float, default=0.15)
    parser.add_argument("--split-seed", type=int, default=0)
    parser.add_argument("--stratify", action="store_true", help="balance classes and negatives instead of hashing")
    parser.add_argument("--group-pattern", help="images whose URIs match alike stay together: a regular expression")
    parser.add_argument("--group-key", help="images whose lines have an equal value under this key stay together")
    parser.add_argument("--train-negatives", choices=["drop", "keep"], default="drop")
    parser.add_argument("--shuffle-seed", type=int, default=0, help="order of the train manifest")
    policies = [policy.value for policy in Duplicates]
    parser.add_argument("--duplicates", choices=policies, default="last", help="which label of an image counts")
    parser.add_argument("--clip-tolerance", type=float, default=CLIP_TOLERANCE, help="pixels beyond the image, clipped")
    parser.add_argument(
        "--max-rejected", type=float, help="share of each source's lines with labels that may be rejected; default: any"
    )
    parser.add_argument("--mini-batch-size", type=int, default=1, help="the train split must hold as many images")
    parser.add_argument("--image-shape", type=int, default=IMAGE_SHAPE, help="side that training resizes images to")
    parser.add_argument(
        "--check-images", choices=[check.value for check in ImageCheck], default=ImageCheck.EXISTS.value
    )
    parser.add_argument("--image-checks-uri", help="S3 URI of the image checks of earlier executions")
    parser.add_argument(
        "--image-checks-output", type=Path, help="folder that gets the image checks for later executions"
    )
    parser.add_argument("--max-image-mb", type=float, default=6, help="Batch Transform's payload limit")
    parser.add_argument("--start-from", help="model to start from: champion, a version, or S3 URI of a model.tar.gz")
    parser.add_argument("--model-package-group", default="", help="group that --start-from looks into")
    parser.add_argument("--base-network", default="vgg-16", help="network that the training job uses")
    parser.add_argument("--engine", choices=[PROCESSES, SPARK], default=PROCESSES, help="where the lines are read")
    parser.add_argument(
        "--processes", type=int, default=0, help="number of processes that read and write; 0: as many as are worth it"
    )
    parser.add_argument("--manifests-output", type=Path, default=processing / "output/manifests")
    parser.add_argument("--report-output", type=Path, default=processing / "output/report")
    parser.add_argument(
        "--training-data-output",
        type=Path,
        default=processing / "output/training-data",
        help="folder that gets the manifests of the training job, in a folder named by their content",
    )
    jobs.add_message_file(parser)
    return parser.parse_args(argv)
