"""The Lambda functions behind a queue and a stream: every record ends once, as a result or among the dead letters."""
