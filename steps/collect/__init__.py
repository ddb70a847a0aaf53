"""The Collect step."""
