"""Networks in their plain reference form; the parameter names are those of the converted weights."""
