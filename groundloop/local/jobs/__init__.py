"""Jobs that really run: processing, training and batch transform, each in a folder laid out like ``/opt/ml``."""
