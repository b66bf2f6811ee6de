"""The operator's side of Straywatch: command line, local AWS, report, remediation."""

from chalicelib import __version__ as __version__
