"""How commands speak on a terminal, in a pipe and to files."""
