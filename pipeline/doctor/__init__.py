"""What stands between a configuration and a run, told before anything is billed: read-only, and never for long."""

from pipeline.doctor.examination import examine
from pipeline.doctor.findings import Finding, Level
from pipeline.doctor.region import container_images

__all__ = ["Finding", "Level", "container_images", "examine"]
