"""The SageMaker operations of the offline AWS. Every public method of a service here is one operation of the API."""
