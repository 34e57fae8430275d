"""The zoo: models that others have published, how to fetch them and how to make them ours. No torch on import."""
