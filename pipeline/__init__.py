"""The definition package: builds the pipelines from the configuration and drives them from the command line."""
