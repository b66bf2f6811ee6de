"""PagerDuty: an incident for each finding, opened once and closed once."""
