"""Timed inference experiments."""
