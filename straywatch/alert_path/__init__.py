"""From the alert topic to whoever is subscribed, and what each of them gets."""
