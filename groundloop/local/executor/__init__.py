"""Executor of pipeline definitions: runs the deployed JSON by calls of the API, as the service does."""
