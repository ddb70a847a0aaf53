"""Prediction in bulk: the images, the detector, requests in parallel, results that survive an interruption."""
