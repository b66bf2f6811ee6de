"""What an alert says, to people and to machines."""
