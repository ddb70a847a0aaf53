"""Damaged input for every reader of the project: samples, the damage, and the commands and functions that read it."""
