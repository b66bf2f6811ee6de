"""A stray on purpose, followed from its event to the end of its finding."""
