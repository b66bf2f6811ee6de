"""What the counting proxy itself adds to a call."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

CALLS = 200


@dataclass(frozen=True)
class Cost:
    """Median seconds of a plain call, without the proxy and with it."""

    straight: float
    proxied: float

    def __str__(self) -> str:
        """Both, and what lies between them, in milliseconds."""
        straight, proxied = self.straight * 1000, self.proxied * 1000
        return (
            f"A plain call takes {straight:.1f} ms straight to the server and {proxied:.1f} ms "
            f"through the counting proxy: {proxied - straight:.1f} ms are the proxy's own."
        )


def measure(straight: str, proxied: str, user: str, calls: int = CALLS) -> Cost:
    """Ask both URLs for one user's groups, in turns, so that a change of load hits both alike."""
    clients = [_iam(straight), _iam(proxied)]
    for iam in clients:
        _seconds(iam, user)  # the first call also connects
    taken = [[_seconds(iam, user) for iam in clients] for _ in range(calls)]
    without, within = zip(*taken, strict=True)
    return Cost(median(without), median(within))


def _iam(endpoint: str) -> IAMClient:
    return boto3.client(
        "iam",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",  # nosec B106  # noqa: S106 - what moto takes, and no secret
    )


def _seconds(iam: IAMClient, user: str) -> float:
    begun = time.perf_counter()
    iam.list_groups_for_user(UserName=user)
    return time.perf_counter() - begun
