"""What groups grant too widely, and what would do."""
