"""Straywatch measured, alone and side by side with its peers."""
