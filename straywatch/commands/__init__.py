"""One module for each command; `straywatch.cli` loads only the one that was asked for."""
