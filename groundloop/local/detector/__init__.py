"""A stand-in for SageMaker's built-in Object Detection algorithm that runs on any machine.

The real one (an MXNet SSD in a closed image) runs nowhere but in SageMaker. This one honours its contract (channels,
hyperparameters, log lines, artifact, answers) and trains a real, small detector with NumPy on at most two cores: a
centre heat map and box sizes at stride 8. Its scores say nothing about what AWS's algorithm would reach.

    python -m groundloop.local.detector train --opt-ml DIR
    python -m groundloop.local.detector serve --opt-ml DIR --port N
"""
