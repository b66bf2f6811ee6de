"""The monitor: all that is deployed. A pure core with thin edges."""

__version__ = "0.1.0"
"""Of the monitor, of the command line, and of the package of both."""
