"""The evidence of a period: one file that an auditor can read, recompute and verify."""
