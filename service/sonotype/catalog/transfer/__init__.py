"""Take a whole catalogue from one engine to another, through a file and the port alone."""
