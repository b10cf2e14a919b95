"""The Lambda function of a bulk front end: one uploaded object, one request to an asynchronous endpoint."""
