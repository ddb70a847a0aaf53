"""Jobs that run on this machine: processing, training and transform, each in a folder laid out like `/opt/ml`."""
