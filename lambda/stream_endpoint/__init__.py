"""The Lambda function behind a streaming API: one proxy request, one call, an answer that is passed on as it comes."""
