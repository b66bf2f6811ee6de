"""The partitions of AWS, and the one region of each where IAM is at home.

IAM is global: CloudTrail records its calls, and EventBridge hears of them, in that region alone.
"""

from __future__ import annotations

# https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html, and the partitions'
# own guides: https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html
HOME_REGIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}

_BY_PREFIX = (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"))


def partition_of_region(region: str) -> str:
    """The partition that a region is of; `aws` for a region that is not known, or empty."""
    return next((found for prefix, found in _BY_PREFIX if region.startswith(prefix)), "aws")
