"""A plan made true in the account, step by step, verified, and taken back."""
