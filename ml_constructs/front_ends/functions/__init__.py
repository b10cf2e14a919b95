"""Lambda functions in front of an endpoint."""
