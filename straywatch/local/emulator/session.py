"""Who one is on the embedded AWS, and clients that talk to it alone."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

from straywatch.aws.sessions import RETRIES

REGION = "us-east-1"
ACCESS_KEY_ID = "test"
SECRET_ACCESS_KEY = "test"  # nosec B105  # noqa: S105 - the emulator's well-known root key
ACCOUNT_ID = "000000000000"


class LocalSession(boto3.Session):
    """A session whose clients all talk to one emulator, whatever the environment says."""

    def __init__(self, endpoint: str, access_key_id: str, secret: str) -> None:
        super().__init__(
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret,
            region_name=REGION,
        )
        self.endpoint = endpoint

    def client(self, service_name: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - boto3 types clients by overload, one for each service
        """Make a client of the emulator; a proxy from the environment is not asked."""
        direct = Config(proxies={})
        kwargs["config"] = kwargs.get("config", RETRIES).merge(direct)
        return super().client(  # type: ignore[call-overload] # the overloads know literal names only
            service_name, *args, **{"endpoint_url": self.endpoint, **kwargs}
        )
