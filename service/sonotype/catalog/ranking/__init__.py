"""From candidates to an answer: arithmetic on arrays, without any engine."""
