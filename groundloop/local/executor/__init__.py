"""Runs pipeline definitions: the JSON that is deployed, against the API, as the service does."""
