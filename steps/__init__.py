"""Steps of the pipelines: a package per step, each with settings.py, step.py and, where it runs our code, job.py."""
