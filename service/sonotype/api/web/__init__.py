"""The page: drop a file, see what the service hears. Static files, no build step, nothing from elsewhere."""
