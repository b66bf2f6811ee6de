"""What the account is like now, read whole or not at all."""
