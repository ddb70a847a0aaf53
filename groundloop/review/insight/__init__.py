"""Insight into labelling: how much people did, how fast, what they changed, and how far they agree.

From a queue, the output folder of a Ground Truth labelling job, or the outputs of A2I's human loops.
"""
