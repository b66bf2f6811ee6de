"""Whoever makes a call is named as people know them, whatever kind of identity it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.messages.actors import actor, deed, made_by_service, place
from tests.unit.examples import ACCOUNT, CREATED, REMOVED


@pytest.mark.parametrize(
    ("kind", "arn", "said"),
    [
        ("IAMUser", "arn:aws:iam::123456789012:user/ops/jane", "IAM user jane"),
        ("IAMUser", "arn:aws:iam::999999999999:user/eve", "IAM user eve of account 999999999999"),
        ("Root", "arn:aws:iam::123456789012:root", "the root user"),
        ("Root", "arn:aws:iam::999999999999:root", "the root user of account 999999999999"),
        ("Root", "", "the root user"),
        (
            "AssumedRole",
            "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_PowerUser_0123456789abcdef/jane@example.com",
            "jane@example.com, signed in through SSO as PowerUser",
        ),
        (
            "AssumedRole",
            "arn:aws:sts::123456789012:assumed-role/deploy/build-42",
            "build-42 in role deploy",
        ),
        (
            "AssumedRole",
            "AROAEXAMPLE:build-42",
            "AROAEXAMPLE:build-42, a caller of type AssumedRole",
        ),
        ("AssumedRole", "", "a caller of type AssumedRole, not named"),
        ("Role", "arn:aws:iam::123456789012:role/deploy", "the role deploy"),
        (
            "FederatedUser",
            "arn:aws:sts::123456789012:federated-user/bob",
            "the federated user bob",
        ),
        ("SAMLUser", "bob", "the SAML user bob"),
        (
            "WebIdentityUser",
            "accounts.google.com:bob",
            "the web identity user accounts.google.com:bob",
        ),
        ("Directory", "d-1:bob", "the directory user d-1:bob"),
        ("IdentityCenterUser", "bob", "the IAM Identity Center user bob"),
        ("AWSService", "ses.amazonaws.com", "the AWS service ses.amazonaws.com"),
        ("AWSAccount", "999999999999", "somebody in AWS account 999999999999"),
        ("AWSAccount", "", "a caller of type AWSAccount, not named"),
        ("Unknown", "", "a caller not named"),
        ("Unknown", "AIDAEXAMPLE", "AIDAEXAMPLE, a caller of type Unknown"),
        ("Martian", "", "a caller not named"),
    ],
)
def test_names_every_kind_of_identity(kind: str, arn: str, said: str) -> None:
    """Each identity type of CloudTrail has words of its own, also without an ARN."""
    assert actor(replace(CREATED, actor_type=kind, actor_arn=arn), ACCOUNT) == said


def test_says_what_was_called() -> None:
    """The call is named with the group that it was about."""
    assert deed(CREATED) == "CreateUser"
    assert deed(REMOVED) == "RemoveUserFromGroup (group admins)"


@pytest.mark.parametrize(
    ("address", "agent", "said"),
    [
        ("203.0.113.7", "aws-cli/2.15.0", "203.0.113.7, with aws-cli/2.15.0"),
        ("203.0.113.7", "Boto3/1.28.57 md/Botocore#1.31", "203.0.113.7, with Boto3/1.28.57"),
        (
            "203.0.113.7",
            "APN/1.0 HashiCorp/1.0 Terraform/1.5.7 x",
            "203.0.113.7, with Terraform/1.5.7",
        ),
        ("203.0.113.7", "", "203.0.113.7"),
        ("", "", "an address not told"),
        ("cloudformation.amazonaws.com", "x", "by way of cloudformation.amazonaws.com"),
        ("AWS Internal", "AWS Internal", "AWS Internal, with AWS Internal"),
        ("1.2.3.4", "https://evil.example/x", "1.2.3.4, with https[:]//evil.example/x"),
    ],
)
def test_says_from_where(address: str, agent: str, said: str) -> None:
    """Address and program, or the service that made the call; links in them are broken."""
    assert place(replace(CREATED, source_ip=address, user_agent=agent)) == said


@pytest.mark.parametrize(
    ("name", "cause", "expected"),
    [
        ("BedrockAPIKey-x1", None, True),
        ("ses-smtp-user.20261123-1", None, True),
        ("frank", replace(CREATED, actor_type="AWSService"), True),
        ("frank", replace(CREATED, source_ip="transfer.amazonaws.com"), True),
        ("frank", replace(REMOVED, source_ip="transfer.amazonaws.com"), False),
        ("frank", replace(CREATED, source_ip="amazonaws.com.evil.example"), False),
        ("frank", None, False),
    ],
)
def test_tells_users_that_services_make(name: str, cause: object, *, expected: bool) -> None:
    """Services name their users so, or make them in their own name."""
    assert made_by_service(name, cause) is expected  # type: ignore[arg-type] # a Cause or None
