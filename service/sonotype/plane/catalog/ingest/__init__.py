"""Bulk ingest: which files there are, what is known of them, and the jobs that put them into the catalogue."""
