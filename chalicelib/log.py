"""One JSON object a line for CloudWatch Logs; whatever others wrote stays inside its string."""

import json
import sys


def log(event: str, **fields: object) -> None:
    """Write one line; non-ASCII and control characters come out escaped."""
    sys.stdout.write(json.dumps({"event": event, **fields}, default=str) + "\n")
