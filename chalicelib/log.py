"""One JSON object a line for CloudWatch Logs; whatever others wrote stays inside its string."""

import json
import sys
import time


def log(event: str, **fields: object) -> None:
    """Write one line; non-ASCII and control characters come out escaped."""
    sys.stdout.write(json.dumps({"event": event, **fields}, default=str) + "\n")


def metrics(stack_name: str, **counts: int) -> None:
    """Record counts of a stack in the namespace `Straywatch`, by way of the log: no API call.

    The stack is a dimension, or the counts of two stages would add up.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    directive = {
        "Namespace": "Straywatch",
        "Dimensions": [["Stack"]],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in counts],
    }
    header = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    log("metrics", _aws=header, Stack=stack_name, **counts)
