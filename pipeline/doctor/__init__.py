"""Checks of what would stop a run of a configuration, made before anything is billed: read-only and quick."""

from pipeline.doctor.findings import AccountFinding, Level
from pipeline.doctor.region import container_images
from pipeline.doctor.runner import run_checks

__all__ = ["AccountFinding", "Level", "container_images", "run_checks"]
