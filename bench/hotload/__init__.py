"""What clients see of a model that is replaced while the service runs."""
