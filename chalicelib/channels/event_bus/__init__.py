"""Event bus: an event of EventBridge for each change of a finding."""
