"""What a deployed monitor knows, read for people: dashboard, watch and report stand on it."""
