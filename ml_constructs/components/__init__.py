"""Shared endpoints, and the inference components that run on them."""
