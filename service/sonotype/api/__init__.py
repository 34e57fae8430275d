"""The faces of the service: they parse, call the plane and render, and know nothing of what lies below it."""
