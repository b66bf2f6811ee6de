"""Sessions and clients for the operator's side, with one retry policy for all of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import boto3
from botocore.config import Config

_ATTEMPTS = os.environ.get("AWS_MAX_ATTEMPTS", "")  # the SDKs' own variable; a Config hides it
RETRIES = Config(
    retries={
        "mode": "adaptive",
        "total_max_attempts": int(_ATTEMPTS) if _ATTEMPTS.isdecimal() and int(_ATTEMPTS) else 8,
    },
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
        session = boto3.Session(profile_name=self.profile, region_name=region)
        object.__setattr__(self, "session", session)
