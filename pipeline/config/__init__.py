"""Configuration: YAML files, environment and ``--set`` become one checked :class:`Config`."""

from pipeline.config.loading import load_config
from pipeline.config.models import Config, ConfigError

__all__ = ["Config", "ConfigError", "load_config"]
