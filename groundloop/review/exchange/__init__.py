"""Queues in other annotation tools: pushed to Label Studio or CVAT, and the finished work pulled back as answers.

Plain HTTP, without the tools' own packages, which bring pandas or a newer Python.
"""
