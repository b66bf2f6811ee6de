"""One user, evaluated now, as the monitor would."""
