"""Ways for callers to reach an endpoint."""
