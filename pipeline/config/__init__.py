"""Configuration: one validated `Config` from YAML files, environment variables and `--set`."""

from pipeline.config.loading import load_config
from pipeline.config.models import Config

__all__ = ["Config", "load_config"]
