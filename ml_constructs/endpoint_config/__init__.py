"""What an endpoint configuration holds: variants of every kind, capture, queues, explanations."""
