"""Image files: where they are kept (a folder or S3), how large they are, and whether they can be used."""
