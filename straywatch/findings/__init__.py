"""Findings as an operator reads them: listed, filtered, and one whole life at a time."""
