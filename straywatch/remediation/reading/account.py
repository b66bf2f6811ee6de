"""From a command's credentials to a snapshot of the account behind them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from straywatch.aws.identity import own_account
from straywatch.aws.sessions import RETRIES, AwsContext
from straywatch.remediation.reading.quotas import read_quotas
from straywatch.remediation.reading.snapshot import Snapshot, read_snapshot

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


def iam_client(context: AwsContext) -> IAMClient:
    """An IAM client with the operator's retry policy."""
    return context.session.client("iam", config=RETRIES)


def snapshot_of(context: AwsContext, iam: IAMClient, tell: Callable[[str], None]) -> Snapshot:
    """Read the whole account. Raises what botocore raises; a snapshot is never partial."""
    return read_snapshot(iam, own_account(context.session), read_quotas(iam), tell)
