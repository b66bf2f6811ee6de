"""Clients for AWS: each is made at its first use, once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_organizations import OrganizationsClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_securityhub import SecurityHubClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

_CONNECT_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a call is tried, and how many seconds each try waits for its answer."""

    attempts: int = 4
    read_seconds: int = 5


USUAL = Patience()
"""Throttling is waited out for seconds; then it is raised, and the queue repeats the work."""
HASTY = Patience(attempts=1)
"""For what is nice to know, and worth no wait."""
PATIENT = Patience(read_seconds=60)
"""For pages of 1,000 users with all their policies: IAM builds a whole page before it sends any of
it, and 10 s for 3 MB have been reported (https://github.com/nccgroup/PMapper/issues/26)."""

MakeClient = Callable[..., Any]
"""Makes a client, by boto3's name for its service, a Patience, and the credentials of a member, if
it is not to have the function's own. Tests hand in their own."""


def boto3_client(service: str, patience: Patience, **credentials: str) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
    """Make a client with the region, and unless told others the credentials, of the environment."""
    import boto3  # noqa: PLC0415 - paid when the first client is needed
    from botocore.config import Config  # noqa: PLC0415 - as above

    make: Callable[..., Any] = boto3.client  # it is typed for known names of services alone
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=patience.read_seconds,
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
        user_agent_extra="straywatch",
    )
    return make(service, config=config, **credentials)


class Clients:
    """One function for each client that the monitor knows: called, it returns the client.

    An adapter that an invocation may never need takes the function, every other the client.
    """

    def __init__(self, make: MakeClient = boto3_client) -> None:
        self.dynamodb: Callable[[], DynamoDBClient] = _once(make, "dynamodb")
        self.events: Callable[[], EventBridgeClient] = _once(make, "events")
        self.iam: Callable[[], IAMClient] = _once(make, "iam")
        self.hasty_iam: Callable[[], IAMClient] = _once(make, "iam", HASTY)
        self.patient_iam: Callable[[], IAMClient] = _once(make, "iam", PATIENT)
        self.organizations: Callable[[], OrganizationsClient] = _once(make, "organizations")
        self.secretsmanager: Callable[[], SecretsManagerClient] = _once(make, "secretsmanager")
        self.securityhub: Callable[[], SecurityHubClient] = _once(make, "securityhub")
        self.sns: Callable[[], SNSClient] = _once(make, "sns")
        self.sqs: Callable[[], SQSClient] = _once(make, "sqs")
        self.ssm: Callable[[], SSMClient] = _once(make, "ssm")
        self.sts: Callable[[], STSClient] = _once(make, "sts")


def _once(make: MakeClient, service: str, patience: Patience = USUAL) -> Callable[[], Any]:
    return cache(partial(make, service, patience))
