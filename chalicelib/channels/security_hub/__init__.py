"""AWS Security Hub: its copy of each finding, as the finding stands."""
