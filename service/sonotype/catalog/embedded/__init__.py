"""The embedded engine: SQLite holds the truth, arrays filter it, a derived index per generation searches it."""
