"""Requests that an endpoint captured: images with the detections that it answered."""
