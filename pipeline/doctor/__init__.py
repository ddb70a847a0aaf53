"""What stands between a configuration and a run, told before anything is billed: read-only, and never for long."""

from pipeline.doctor.findings import Finding, Level
from pipeline.doctor.region import container_images
from pipeline.doctor.runner import examine

__all__ = ["Finding", "Level", "container_images", "examine"]
