"""Scaling of instances, of copies, and of serverless concurrency."""
