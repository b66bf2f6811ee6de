"""The environment that the template gives each function, for tests."""

ENVIRONMENT = {
    "STACK_NAME": "straywatch",
    "ALERT_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:alerts",
    "CHECK_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/checks",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/dead",
    "FINDINGS_TABLE": "findings",
    "STATE_TABLE": "state",
    "CONFIG_PARAMETER": "/straywatch/config",
    "GRACE_PERIOD_SECONDS": "900",
    "REMINDER_HOURS": "24",
    "REMINDERS_MAX": "3",
    "ESCALATE_HOURS": "72",
    "FLAPPING_EPISODES": "3",
    "MISSED_EVENTS_ALERT": "3",
    "DIGEST_ABOVE": "10",
    "ALWAYS_TELL_SEVERITY": "HIGH",
    "KEEP_RESOLVED_DAYS": "2190",
    "IAM_LAG_SECONDS": "3",
}
