"""Batch Transform: predictions for all images below an S3 prefix, or of a manifest, without an endpoint."""
