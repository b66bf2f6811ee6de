"""One JSON object a line for CloudWatch Logs; whatever others wrote stays inside its string."""

import json
import sys
import time


def log(event: str, **fields: object) -> None:
    """Write one line; non-ASCII and control characters come out escaped."""
    sys.stdout.write(json.dumps({"event": event, **fields}, default=str) + "\n")


def metrics(**counts: int) -> None:
    """Record counts in the namespace `Straywatch`, by way of the log: it costs no API call.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    directive = {
        "Namespace": "Straywatch",
        "Dimensions": [[]],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in counts],
    }
    header = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    log("metrics", _aws=header, **counts)
