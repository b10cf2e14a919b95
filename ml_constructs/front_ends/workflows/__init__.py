"""State machines that call an endpoint."""
