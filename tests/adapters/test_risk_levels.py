"""Every risk level, from real policies and credentials as IAM returns them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from chalicelib.adapters.credentials import CredentialReader
from chalicelib.adapters.iam import Iam
from chalicelib.domain.account import InNoGroup
from chalicelib.domain.risk import Risk, assess
from chalicelib.times import utc_now
from tests.adapters.aws import iam_in_memory

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

Setup = Callable[["IAMClient", str], object]
READ = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}],
    }
)
ESCALATE = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "iam:Attach*", "Resource": "*"}],
    }
)
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


@pytest.fixture(scope="module")
def iam() -> Iterator[IAMClient]:
    """IAM in moto with AWS's own policies, which take long to load."""
    with mock_aws(config={"iam": {"load_aws_managed_policies": True}}):
        yield iam_in_memory()


def put(document: str) -> Setup:
    """Give the user an inline policy."""
    return lambda iam, name: iam.put_user_policy(
        UserName=name, PolicyName="p", PolicyDocument=document
    )


def attach(arn: str) -> Setup:
    """Give the user a managed policy."""
    return lambda iam, name: iam.attach_user_policy(UserName=name, PolicyArn=arn)


def key(iam: IAMClient, name: str) -> None:
    """Give the user an access key."""
    iam.create_access_key(UserName=name)


def password(iam: IAMClient, name: str) -> None:
    """Give the user a console password."""
    iam.create_login_profile(UserName=name, Password="correct horse")


def mfa(iam: IAMClient, name: str) -> None:
    """Give the user a second factor."""
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
    iam.enable_mfa_device(
        UserName=name,
        SerialNumber=serial["SerialNumber"],
        AuthenticationCode1="123456",
        AuthenticationCode2="654321",
    )


def own_policy(iam: IAMClient, name: str) -> None:
    """Give the user a policy of the account's own that leads to administration."""
    made = iam.create_policy(PolicyName=f"own-{name}", PolicyDocument=ESCALATE)["Policy"]
    iam.attach_user_policy(UserName=name, PolicyArn=made["Arn"])


def judged(iam: IAMClient, name: str) -> Risk:
    """The risk of the user, as a check finds it."""
    look = Iam(lambda: iam).look(name)
    assert isinstance(look, InNoGroup)
    return assess(CredentialReader(iam).facts(look.user), utc_now())


@pytest.mark.parametrize(
    ("setups", "severity", "reason"),
    [
        ((), "LOW", "no permissions; no credentials"),
        ((password, mfa), "MEDIUM", "console password with MFA"),
        ((put(READ),), "MEDIUM", "some permissions"),
        ((put(READ), key), "MEDIUM", "active access key created today"),
        ((attach(READ_ONLY), password), "HIGH", "console password without MFA"),
        ((attach(ADMINISTRATOR),), "HIGH", "administrator-like"),
        ((own_policy,), "HIGH", "administrator-like: iam:AttachGroupPolicy"),
        ((attach(ADMINISTRATOR), key), "CRITICAL", "administrator-like"),
        ((put(ESCALATE), password, mfa), "CRITICAL", "console password with MFA"),
        ((own_policy, key), "CRITICAL", "active access key"),
    ],
)
def test_each_level_comes_from_what_iam_says(
    iam: IAMClient, setups: tuple[Setup, ...], severity: str, reason: str
) -> None:
    """LOW to CRITICAL, with one line that says why, and nothing unread."""
    name = f"user-{uuid.uuid4().hex}"
    iam.create_user(UserName=name)
    for setup in setups:
        setup(iam, name)
    risk = judged(iam, name)
    assert risk.severity.name == severity
    assert reason in risk.reasons
    assert risk.unknown == ()
