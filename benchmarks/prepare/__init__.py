"""The whole Prepare job against what one would run instead, doing the same work: `python -m benchmarks.prepare`."""
