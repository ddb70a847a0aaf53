"""The rules of SageMaker's APIs, of pipeline definitions and of the algorithm, each written once."""
