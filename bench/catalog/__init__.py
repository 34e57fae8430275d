"""Which embedded engine holds the catalogue: recall, latency, durability and size of each, in one run."""
