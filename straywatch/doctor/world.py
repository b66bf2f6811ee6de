"""What the doctor can ask: AWS, one answer at a time, and the deployment it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.account import Account
from straywatch.aws.sessions import RETRIES
from straywatch.deploy.stack import Stack
from straywatch.deploy.stack_resources import Resource
from straywatch.doctor.intended import Intended
from straywatch.doctor.invocation import Invocation
from straywatch.errors import explain, is_denied

_GONE = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "NoSuchEntity",
        "NotFound",
        "NotFoundException",
        "PolicyNotFoundException",
        "ParameterNotFound",
        "QueueDoesNotExist",
        "ResourceNotFound",
        "ResourceNotFoundException",
        "TrailNotFoundException",
    }
)


@dataclass(frozen=True, slots=True)
class Unread:
    """AWS refused or did not answer: nothing is known.

    Where access was denied, `action` is what to; `by_resource` says that AWS names the resource's
    own policy as what denies.
    """

    why: str
    action: str = ""
    by_resource: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """AWS answered that there is no such thing."""


ApiResponse = Mapping[str, Any] | Unread | Gone
Ask = Callable[..., ApiResponse]
"""Asks AWS: service, operation (as boto3 spells it) and its parameters by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """What this checkout would deploy: the code's hash as Lambda tells it, and the template."""

    code_sha256: str
    template: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One deployment, and the way to ask about it; what this checkout would deploy beside it.

    `intended` is what the stack's own template comes to, `template` that template as it was given
    to CloudFormation; Unread where it cannot be told.
    """

    ask: Ask
    account: Account
    region: str
    stack: Stack
    resources: tuple[Resource, ...]
    template: Mapping[str, Any] | Unread
    intended: tuple[Intended, ...]
    checkout: Checkout | Unread
    clock: Callable[[], datetime]
    invocation: Invocation

    def repair(self, logical_id: str) -> str:
        """The command that makes a resource what the stack's template says."""
        return self.invocation.straywatch("doctor", "--repair", logical_id, "--yes")

    def of_type(self, resource_type: str) -> Iterator[Resource]:
        """The stack's resources of a type."""
        return (r for r in self.resources if r.resource_type == resource_type)

    def physical_id(self, logical_id: str) -> str:
        """A resource's name in AWS; empty where the stack has none of this name."""
        found = (r.physical_id for r in self.resources if r.logical_id == logical_id)
        return next(found, "")

    def arn(self, service: str, resource: str) -> str:
        """An ARN in the deployment's account and region."""
        account = self.account
        return f"arn:{account.partition}:{service}:{self.region}:{account.account_id}:{resource}"

    def queue_arn(self, logical_id: str) -> str:
        """The ARN of one of the stack's queues."""
        return self.arn("sqs", self.physical_id(logical_id).rsplit("/", 1)[-1])


def asking(session: boto3.Session) -> Ask:
    """Ask AWS with the session's credentials; no answer is told apart from "there is none"."""
    clients: dict[str, Any] = {}

    def ask(service: str, operation: str, **parameters: Any) -> ApiResponse:  # noqa: ANN401 - boto3's own
        try:
            client = clients.get(service) or session.client(service, config=RETRIES)  # type: ignore[call-overload]  # any service
            clients[service] = client
            answer: Mapping[str, Any] = getattr(client, operation)(**parameters)
        except ClientError as error:
            return _refused(service, error)
        except BotoCoreError as error:
            return Unread(explain(error))
        return answer

    return ask


def _refused(service: str, error: ClientError) -> Gone | Unread:
    told = error.response.get("Error", {})
    if told.get("Code", "") in _GONE:
        return Gone()
    if not is_denied(error):
        return Unread(explain(error))
    action = f"{service}:{error.operation_name}"
    return Unread(explain(error), action, "resource-based policy" in told.get("Message", ""))
