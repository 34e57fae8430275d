"""Leaves: the types, errors and settings that every other package may import. They import nothing of ours."""
