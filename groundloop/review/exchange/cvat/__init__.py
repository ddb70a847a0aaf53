"""CVAT: tasks for a queue, its images as frames with the shown boxes as automatic annotations.

API: docs.cvat.ai, and the models of cvat-sdk 2.80.
"""
