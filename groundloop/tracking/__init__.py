"""Experiment tracking: executions as runs of MLflow, which is imported only where a run is logged."""
