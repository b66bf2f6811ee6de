"""Sessions and clients for the operator's side, with one retry policy for all of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import boto3
from botocore.config import Config

from straywatch.aws.answers import guard


def attempts(usual: int) -> int:
    """How often a call is tried, unless AWS_MAX_ATTEMPTS, the SDKs' own variable, says else."""
    said = os.environ.get("AWS_MAX_ATTEMPTS", "")  # a Config of our own would hide it
    return int(said) if said.isdecimal() and int(said) else usual


RETRIES = Config(
    retries={"mode": "adaptive", "total_max_attempts": attempts(8)},
    connect_timeout=5,
    read_timeout=60,
    user_agent_extra="straywatch",
)


@dataclass(frozen=True)
class AwsContext:
    """Which credentials and region a command works with."""

    profile: str | None = None
    region: str | None = None
    session: boto3.Session = field(init=False)

    def __post_init__(self) -> None:
        # boto3 itself knows AWS_DEFAULT_REGION only; the CLI and the other SDKs know AWS_REGION
        region = self.region or os.environ.get("AWS_REGION")
        session = guard(boto3.Session(profile_name=self.profile, region_name=region))
        object.__setattr__(self, "session", session)
