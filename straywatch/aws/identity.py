"""Whose credentials these are."""

from __future__ import annotations

import boto3
from botocore.config import Config

from chalicelib.domain.account import Account, account_of_arn
from straywatch.aws.sessions import RETRIES


def own_account(session: boto3.Session, config: Config = RETRIES) -> Account:
    """Ask STS for the account behind the session's credentials. Raises what botocore raises."""
    return account_of_arn(caller_arn(session, config))


def caller_arn(session: boto3.Session, config: Config = RETRIES) -> str:
    """Ask STS whose the session's credentials are. Raises what botocore raises."""
    return session.client("sts", config=config).get_caller_identity()["Arn"]
