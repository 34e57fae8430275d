"""Jobs: work that outlives a request, kept in a file so that it also outlives the process."""
