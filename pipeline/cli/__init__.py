"""The command line. Each command is a file; what is slow to import is imported inside the command."""

from pipeline.cli.main import main

__all__ = ["main"]
