"""The exemptions document as an operator edits and reads it."""
