"""From IAM calls on the embedded AWS to the CloudTrail events that AWS would send."""
