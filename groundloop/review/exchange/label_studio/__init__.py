"""Label Studio: a project for a queue, its images as tasks with the shown boxes as predictions.

API: labelstud.io/api, as Label Studio Community 1.23 answers it.
"""
