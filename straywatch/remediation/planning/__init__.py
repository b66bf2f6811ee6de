"""From what users hold to the fewest groups that give it to them."""
