"""Detections: reading, scoring and drawing what a detector predicts."""
