"""The serving benchmark: what the service costs over the bare pass, and what it answers under load."""
