"""The monitor: all that is deployed. A pure core with thin edges."""
