"""REST APIs in front of an endpoint."""
