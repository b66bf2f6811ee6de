"""The order of the steps: from an event, a queued check or a schedule to what comes of it."""
