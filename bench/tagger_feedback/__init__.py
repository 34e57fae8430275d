"""What a correction of a tagger costs, and what it is worth beside fitting again."""
