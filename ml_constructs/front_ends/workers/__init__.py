"""Functions that work through queues, streams and uploads."""
