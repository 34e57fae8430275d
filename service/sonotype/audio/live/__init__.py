"""Sound that is still being made: raw samples or a coded stream in, mono samples out, as they come."""
