"""Plan a group structure, apply it, verify it, tighten it."""
