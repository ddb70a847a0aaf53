"""What stands between a configuration and a run, told before anything is billed: read-only, and never for long."""

from pipeline.doctor.findings import AccountFinding, Level
from pipeline.doctor.region import container_images
from pipeline.doctor.runner import run_checks

__all__ = ["AccountFinding", "Level", "container_images", "run_checks"]
