"""What the commands of the offline AWS have in common: configuration, labels, signals, the program's name."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.options import with_global_options
from pipeline.cli.output import print_line

if TYPE_CHECKING:
    from pipeline.config import Config

LOCAL_CONFIG = "local.yaml"


def local_overlay() -> Path:
    """Return the offline AWS's overlay: the project's own, else the one that came with the package."""
    from pipeline.config.files import packaged_or_own

    return packaged_or_own(LOCAL_CONFIG)


def overlay_files(config: list[Path] | None) -> list[Path]:
    """Return the overlays of the offline AWS as absolute paths: `local.yaml`, then the user's, each where it last came.

    Args:
        config: the user's overlays.
    """
    files = [file.resolve() for file in (local_overlay(), *with_global_options(config, None)[0])]
    return [file for index, file in enumerate(files) if file not in files[index + 1 :]]


def load_local(config: list[Path] | None, assignments: list[str] | None, *, project: bool = True) -> Config:
    """Load the configuration of the offline AWS: `local.yaml`, then the user's overlays and assignments.

    Args:
        config: the user's overlays.
        assignments: the user's assignments.
        project: put all of it over the `groundloop.yaml` of the working folder.
    """
    from pipeline.config import load_config

    config, assignments = with_global_options(config, assignments)
    return load_config([local_overlay(), *config], assignments, project=project)


def program_name() -> str:
    """Return how to call this program: its name, or its path when it isn't on the user's PATH."""
    if shutil.which("groundloop"):
        return "groundloop"
    return os.path.relpath(sys.argv[0])


def next_on_aws() -> str:
    """Return the command with which the way to AWS begins: `init`, or `doctor` where there is a project."""
    from pipeline.config.files import PROJECT_FILES

    begun = any(Path(name).is_file() for name in PROJECT_FILES)
    return f"{program_name()} {'doctor' if begun else 'init'}"


@contextlib.contextmanager
def label_manifest(settings: Config, labels: str, images: Path) -> Iterator[Path]:
    """Provide labels in any format as a manifest while the body runs; before the offline AWS starts, as S3 is real."""
    from groundloop.errors import UserError
    from groundloop.labels.label_input import as_manifest

    with contextlib.ExitStack() as stack:
        try:
            source = stack.enter_context(as_manifest(labels, settings.aws.region, settings.labels.attribute, images))
        except UserError as error:
            raise UserError(f"--labels {error}") from None
        for note in source.notes:
            print_line(f"note: {labels}: {note}")
        yield source.path
