"""Replay: what Straywatch would have alerted on, told from CloudTrail's own past."""
