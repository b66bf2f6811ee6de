"""Measurements: run each as `python -m bench.NAME`."""
