"""Figures about Straywatch, measured on this machine."""
