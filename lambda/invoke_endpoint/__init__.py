"""The Lambda function behind an inference API: one proxy request, one call of one SageMaker endpoint, one answer."""
