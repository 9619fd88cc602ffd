"""Running the service: its background workers, durable answers, and what the machine beneath may do wrong."""
