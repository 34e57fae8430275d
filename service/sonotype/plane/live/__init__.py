"""Live tagging: audio in while it is being made, tags out patch by patch."""
