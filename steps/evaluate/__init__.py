"""The Evaluate step: metrics on the test split, the quality gate, the report."""
