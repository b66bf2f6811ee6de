"""The embedded AWS itself: its process, what it lacks, and how it is steered."""
