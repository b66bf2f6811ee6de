"""IAM's query protocol, read back."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from straywatch.local.bridge.protocols import UnreadError
from straywatch.local.bridge.wire import (
    Failed,
    Reply,
    Succeeded,
    decode_request,
    decode_response,
)


def form(**fields: str) -> bytes:
    """Encode fields as the query protocol does."""
    return urlencode(fields).encode()


def test_scalars_are_read_with_their_types() -> None:
    """Numbers and booleans come out as such; what was not sent is absent."""
    assert decode_request(form(Action="ListUsers", MaxItems="7")).parameters == {"MaxItems": 7}
    assert decode_request(
        form(Action="CreateLoginProfile", UserName="a", PasswordResetRequired="true")
    ).parameters == {"UserName": "a", "PasswordResetRequired": True}


def test_secrets_are_left_out_of_requests() -> None:
    """A password never reaches a record."""
    read = decode_request(form(Action="CreateLoginProfile", UserName="a", Password="hunter2"))

    assert "hunter2" not in str(read)


def test_secrets_are_left_out_of_responses() -> None:
    """A secret access key never reaches a record; the rest of the answer does."""
    body = (
        b"<CreateAccessKeyResponse><CreateAccessKeyResult><AccessKey><UserName>a</UserName>"
        b"<AccessKeyId>AKIAX</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey>"
        b"</AccessKey></CreateAccessKeyResult><ResponseMetadata><RequestId>r</RequestId>"
        b"</ResponseMetadata></CreateAccessKeyResponse>"
    )

    reply = decode_response("CreateAccessKey", 200, {}, body)

    kept = {"AccessKey": {"UserName": "a", "AccessKeyId": "AKIAX"}}
    assert reply == Reply(Succeeded(kept), "r")


def test_errors_are_named_as_cloudtrail_names_them() -> None:
    """The wire's NoSuchEntity is NoSuchEntityException in a record; unmodelled codes stay."""

    def refused(code: str) -> bytes:
        return (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
            "<Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>"
        ).encode()

    for code, name in (
        ("NoSuchEntity", "NoSuchEntityException"),
        ("AccessDenied", "AccessDenied"),
    ):
        reply = decode_response("GetUser", 404, {}, refused(code))
        assert reply == Reply(Failed(name, "no"), "r")


@pytest.mark.parametrize("body", [b"", b"Action=NoSuchAction", b"\xff\xfe", b"Action="])
def test_what_is_no_iam_call_is_refused(body: bytes) -> None:
    """Only actions of IAM's model are read as calls."""
    with pytest.raises(UnreadError):
        decode_request(body)
