"""Models after training: versions in the registry, the endpoint that serves one, and its predictions."""
