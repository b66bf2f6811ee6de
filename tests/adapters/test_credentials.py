"""A stray's policies and credentials: each fact that cannot be read is unknown, and only that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber
from moto import mock_aws

from chalicelib.adapters.credentials import CredentialReader, read_documents, report_facts
from chalicelib.adapters.iam_pages import IncompleteAnswerError
from chalicelib.domain.account import User
from chalicelib.domain.risk import Facts
from tests.adapters.aws import answering, iam_in_memory
from tests.unit.records import NOW, USER_ID

ARN = "arn:aws:iam::123456789012:user/bob"
BOUNDARY = "arn:aws:iam::123456789012:policy/limits"
OWN = "arn:aws:iam::123456789012:policy/own"
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
BOB = User(USER_ID, "bob", ARN, "/", NOW, boundary_arn=BOUNDARY)
NOTHING = Facts(
    user_arn=ARN,
    inline={},
    attached=(),
    documents={},
    keys=(),
    console_password=False,
    mfa=False,
    boundary_arn=BOUNDARY,
)


@pytest.fixture
def iam() -> Iterator[Any]:
    """IAM with a user bob who has nothing."""
    with mock_aws():
        made = iam_in_memory()
        made.create_user(UserName="bob")
        made.create_policy(PolicyName="limits", PolicyDocument=json.dumps(ALL))
        yield made


def failing(iam: Any, *actions: str) -> Any:
    """The same IAM, where these calls are refused."""

    def refuse(params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name in actions:
            raise EndpointConnectionError(endpoint_url=f"{model.name}/{len(params)}")

    iam.meta.events.register("before-call.iam.*", refuse)
    return iam


def facts(iam: Any) -> Facts:
    """What is known of bob."""
    return CredentialReader(iam).facts(BOB)


def test_a_user_with_nothing_is_known_to_have_nothing(iam: Any) -> None:
    """Empty, and not unknown: the boundary's document is all there is to be read."""
    assert facts(iam) == replace(NOTHING, documents={BOUNDARY: ALL})


def test_all_that_a_user_has_is_read(iam: Any) -> None:
    """Inline and attached policies with the customer's documents, keys, password, MFA."""
    iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=json.dumps(ALL))
    iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(ALL))
    iam.attach_user_policy(UserName="bob", PolicyArn=OWN)
    iam.create_login_profile(UserName="bob", Password="secret-Secret-1")
    key = iam.create_access_key(UserName="bob")["AccessKey"]["AccessKeyId"]
    iam.update_access_key(UserName="bob", AccessKeyId=key, Status="Inactive")
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="bob")["VirtualMFADevice"]
    iam.enable_mfa_device(
        UserName="bob",
        SerialNumber=device["SerialNumber"],
        AuthenticationCode1="123456",
        AuthenticationCode2="654321",
    )
    found = facts(iam)
    assert found.inline == {"p": ALL}
    assert found.attached == (OWN,)
    assert found.documents == {OWN: ALL, BOUNDARY: ALL}
    assert [key.active for key in found.keys or ()] == [False]
    assert (found.console_password, found.mfa) == (True, True)


def test_the_policies_of_aws_are_known_by_name(iam: Any) -> None:
    """Their documents are not asked for: two calls less for each."""
    aws = "arn:aws:iam::aws:policy/AdministratorAccess"
    user = replace(BOB, groups=(), attached_policies=(aws,), boundary_arn=aws)
    found = CredentialReader(failing(iam, "GetPolicy", "GetPolicyVersion")).facts(user)
    assert (found.attached, found.documents) == ((aws,), {})


@pytest.mark.parametrize(
    ("action", "unknown"),
    [
        ("ListUserPolicies", "inline"),
        ("ListAttachedUserPolicies", "attached"),
        ("ListAccessKeys", "keys"),
        ("GetLoginProfile", "console_password"),
        ("ListMFADevices", "mfa"),
    ],
)
def test_one_fact_that_cannot_be_read_is_unknown(
    iam: Any, action: str, unknown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The others are read all the same, and the log says which was not."""
    found = facts(failing(iam, action))
    assert {f.name for f in fields(found) if getattr(found, f.name) is None} == {unknown}
    assert json.loads(capsys.readouterr().out)["event"] == "risk_fact_unread"


def test_an_inline_policy_that_cannot_be_read_leaves_them_all_unknown(iam: Any) -> None:
    """Some of the policies would be taken for all of them."""
    iam.put_user_policy(UserName="bob", PolicyName="p", PolicyDocument=json.dumps(ALL))
    assert facts(failing(iam, "GetUserPolicy")).inline is None


@pytest.mark.parametrize("action", ["GetPolicy", "GetPolicyVersion"])
def test_a_document_that_cannot_be_read_is_missing(iam: Any, action: str) -> None:
    """The policy is known to be attached, its content is not: the risk counts it as unread."""
    found = facts(failing(iam, action))
    assert found.documents == {}
    assert found.boundary_arn == BOUNDARY


def test_with_iam_down_everything_is_unknown() -> None:
    """The alert goes out all the same: that there is a stray is known."""
    found = CredentialReader(answering("iam", lambda _: (503, b"<ErrorResponse/>"))).facts(BOB)
    unread = (found.inline, found.attached, found.keys, found.console_password, found.mfa)
    assert unread == (None,) * 5


def test_half_an_answer_is_none() -> None:
    """What breaks off in the middle is unknown, and costs nobody the alert."""
    broken = answering("iam", lambda _: (200, b"<ListAccessKeysResponse><ListAcc"))
    found = CredentialReader(broken).facts(BOB)
    assert (found.keys, found.console_password) == (None, None)


def listing(operation: str, members: str) -> Any:
    """IAM where this one list breaks off: there is more, and no word of where."""
    result = f"<{members}/><IsTruncated>true</IsTruncated>"
    answer = f"<{operation}Response><{operation}Result>{result}</{operation}Result>"
    whole = f"{answer}</{operation}Response>".encode()

    def respond(request: Any) -> tuple[int, bytes]:
        asked = f"Action={operation}&" in request.body
        return (200, whole) if asked else (503, b"<ErrorResponse/>")

    return answering("iam", respond)


@pytest.mark.parametrize(
    ("operation", "members", "fact"),
    [
        ("ListUserPolicies", "PolicyNames", "inline"),
        ("ListAttachedUserPolicies", "AttachedPolicies", "attached"),
        ("ListAccessKeys", "AccessKeyMetadata", "keys"),
        ("ListMFADevices", "MFADevices", "mfa"),
    ],
)
def test_a_list_that_breaks_off_is_unknown(operation: str, members: str, fact: str) -> None:
    """More to come and no word of where: the part that came is not all that a user has."""
    assert getattr(CredentialReader(listing(operation, members)).facts(BOB), fact) is None


def test_documents_that_break_off_are_not_taken_for_all(iam: Any) -> None:
    """A policy whose page did not come would be read as one without a document."""
    with Stubber(iam) as stub:
        stub.add_response("get_account_authorization_details", {"IsTruncated": True})
        with pytest.raises(IncompleteAnswerError):
            read_documents(iam, frozenset({OWN}))


def test_half_a_credential_report_leaves_credentials_unknown() -> None:
    """A sweep goes on without it: the alert says that nothing is known of the credentials."""
    broken = answering("iam", lambda _: (200, b"<GenerateCredentialReportResp"))
    assert report_facts(broken, [BOB], lambda _: None, 60)(BOB).keys is None


def test_what_a_snapshot_told_is_not_asked_again(iam: Any) -> None:
    """The sweep's page has the policies; only credentials and documents are read on top."""
    user = User(USER_ID, "bob", ARN, "/", NOW, groups=(), inline_policies={"p": ALL})
    found = CredentialReader(failing(iam, "ListUserPolicies", "ListAttachedUserPolicies"))
    assert found.facts(user).inline == {"p": ALL}
