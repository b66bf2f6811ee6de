"""Every user of one or more accounts, judged once, without anything deployed."""
