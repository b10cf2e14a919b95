"""Endpoints, how they move from one configuration to the next, and what turns them back."""
