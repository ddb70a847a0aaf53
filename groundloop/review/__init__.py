"""The human loop: images that people review or label, on a page of our own, and what becomes of their answers.

A queue is one SQLite file (`queue`), filled from a model's detections or from a folder of images (`selection`), served
to people (`server`), and finished as a Ground Truth manifest (`finish`).
"""
