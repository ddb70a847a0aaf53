"""The model outside of SageMaker: conversion of a training job's artifact to ONNX, and a detector that runs the file.

Conversion needs the `onnx` package, running needs `onnxruntime`; neither needs MXNet, which has ended.
"""
