"""Plan, apply, undo and verify held against judges of access that are not ours: see `__main__`."""
