"""What the monitor knows and decides by: pure values, the standard library alone."""
