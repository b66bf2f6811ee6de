"""Redrive: what could not be processed, why, and once more."""
