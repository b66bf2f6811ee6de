"""A plan as text: written, reviewed, read back, and in the forms of other tools."""
