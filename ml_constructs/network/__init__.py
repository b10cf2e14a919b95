"""Isolated networks."""
