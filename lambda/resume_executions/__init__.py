"""The Lambda function that resumes a workflow when an asynchronous endpoint has answered, or failed to."""
