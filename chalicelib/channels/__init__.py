"""From the alert topic to those who need more than SNS gives."""
