"""AWS's own models, asked what they have against a request or an answer."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.stub import Stubber

from straywatch.local.bridge.aws_model import (
    breaches_of_answer,
    breaches_of_request,
    service_model,
)
from straywatch.local.bridge.patterns import compiled
from tests.adapters.aws import client
from tests.aws_model import UnlikeAwsError, unchecked

CALLED = (
    "cloudformation", "cloudtrail", "cloudwatch", "dynamodb", "events", "iam", "kms", "lambda",
    "logs", "s3", "secretsmanager", "securityhub", "sns", "sqs", "ssm", "sts",
)  # fmt: skip
USER = {
    "Path": "/",
    "UserName": "ann",
    "UserId": "AIDAIOSFODNN7EXAMPLE",
    "Arn": "arn:aws:iam::123456789012:user/ann",
    "CreateDate": "2026-11-23T12:00:00Z",
}


def asked(service: str, operation: str, **request: object) -> list[str]:
    """What AWS would say to a request."""
    model = service_model(service).operation_model(operation)
    return [str(breach) for breach in breaches_of_request(model, request)]


def answered(service: str, operation: str, **answer: object) -> list[str]:
    """What is wrong with an answer."""
    model = service_model(service).operation_model(operation)
    return [str(breach) for breach in breaches_of_answer(model, answer)]


@pytest.mark.parametrize("service", CALLED)
def test_every_pattern_of_the_services_that_are_called_is_understood(service: str) -> None:
    """None of what AWS's models say of texts is passed over."""
    model = botocore.session.get_session().get_service_model(service)
    patterns = {
        pattern
        for name in model.shape_names
        if (pattern := model.shape_for(name).metadata.get("pattern"))
    }
    assert all(compiled(pattern) for pattern in patterns)


def test_patterns_mean_what_they_mean_to_aws() -> None:
    """Unicode's letters, characters that take two units, and a dash beside a class."""
    assert compiled(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]+").fullmatch("Grüße 東京 5")
    assert not compiled(r"[\p{L}]+").fullmatch("<b>")
    beyond = compiled(r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*")
    assert beyond.fullmatch("a\U0001f600")
    assert compiled(r"[\w-_]*").fullmatch("a-b_c")
    assert not compiled(r"[\w]+").fullmatch("ä")


def test_a_sound_request_and_answer_pass() -> None:
    """What AWS takes and gives."""
    assert asked("iam", "CreateUser", UserName="ann", Path="/ward/") == []
    assert answered("iam", "GetUser", User=USER, ResponseMetadata={"RequestId": "1"}) == []


def test_requests_break_rules_that_botocore_does_not_know() -> None:
    """Length, pattern, range, enumeration, missing and unknown members; each tells where."""
    assert asked("iam", "CreateUser", UserName="x" * 65) == [
        "CreateUser.UserName: 65 characters, and 64 at most"
    ]
    assert asked("iam", "ListUsers", MaxItems=1001) == [
        "ListUsers.MaxItems: 1001, and 1000 at most"
    ]
    assert asked("iam", "CreateUser", UserName="a b") == [
        r'CreateUser.UserName: "a b" is not of the form [\w+=,.@-]+'
    ]
    assert asked("iam", "CreateUser", User="ann") == [
        "CreateUser: UserName is missing",
        "CreateUser: User is no member",
    ]
    (enumeration,) = asked("dynamodb", "PutItem", TableName="t", Item={}, ReturnValues="SOME")
    assert enumeration.startswith('PutItem.ReturnValues: "SOME" is none of NONE, ALL_OLD')


def test_answers_lack_nothing_and_make_nothing_up() -> None:
    """What is required is there, with its type; what AWS does not know is not."""
    without = {name: value for name, value in USER.items() if name != "UserId"}
    assert answered("iam", "GetUser", User=without) == ["GetUser.User: UserId is missing"]
    assert answered("iam", "ListUsers", Users=[USER], IsTruncated="no", Truncated=False) == [
        "ListUsers.IsTruncated: str instead of boolean",
        "ListUsers: Truncated is no member",
    ]


def test_secrets_are_not_repeated() -> None:
    """A password that AWS would refuse stands in no message."""
    (told,) = asked("iam", "CreateLoginProfile", UserName="ann", Password="hunter2" * 30)
    assert "hunter2" not in told


def test_every_session_is_watched() -> None:
    """A test that asks what AWS refuses, or makes up what it does not answer, fails."""
    iam = client("iam")
    with Stubber(iam) as stub:
        stub.add_response("get_user", {"User": {**USER, "UserId": "of quite another form"}})
        with pytest.raises(UnlikeAwsError, match="129 characters"):
            iam.get_user(UserName="x" * 129)
        with pytest.raises(UnlikeAwsError, match="UserId"):
            iam.get_user(UserName="ann")


def test_one_client_may_be_let_alone() -> None:
    """A test of what refuses bad requests can make them."""
    iam = unchecked(client("iam"))
    with Stubber(iam) as stub:
        stub.add_client_error("get_user", "ValidationError")
        with pytest.raises(iam.exceptions.ClientError):
            iam.get_user(UserName="x" * 129)
