"""How soon a live session answers, how many the machine carries, and what bad clients cost."""
