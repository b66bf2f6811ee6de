"""The operator's side of Straywatch: command line, local AWS, report, remediation."""

from importlib.metadata import version

__version__ = version("straywatch")
