"""The decisions of a deployment that need no AWS."""

from __future__ import annotations

import pytest

from straywatch.deploy.deployment import choose_parameters, locate_code
from straywatch.deploy.stack import Absent, Stack
from straywatch.errors import WrongUsageError

DECLARED: dict[str, dict[str, object]] = {
    "GracePeriodSeconds": {"Type": "Number", "Default": 900},
    "AlertEmail": {"Type": "String"},
}


def deployed(*parameters: str) -> Stack:
    """A stack that was deployed with these parameters."""
    return Stack("straywatch", "arn", "CREATE_COMPLETE", "", frozenset(parameters), {})


def test_what_is_given_is_taken_and_what_is_not_defaults() -> None:
    """A first deployment leaves defaults to the template."""
    chosen = choose_parameters(DECLARED, {"AlertEmail": "a@b.cd"}, Absent("straywatch"))
    assert chosen == [{"ParameterKey": "AlertEmail", "ParameterValue": "a@b.cd"}]


def test_an_update_keeps_what_is_not_given() -> None:
    """An update never sets a grace period or an address back."""
    before = deployed("GracePeriodSeconds", "AlertEmail")
    assert choose_parameters(DECLARED, {"GracePeriodSeconds": "60"}, before) == [
        {"ParameterKey": "GracePeriodSeconds", "ParameterValue": "60"},
        {"ParameterKey": "AlertEmail", "UsePreviousValue": True},
    ]


def test_a_parameter_that_is_new_in_the_template_takes_its_default() -> None:
    """An upgrade may bring parameters that the deployed stack does not know."""
    assert choose_parameters(DECLARED, {}, deployed("AlertEmail")) == [
        {"ParameterKey": "AlertEmail", "UsePreviousValue": True}
    ]


def test_a_parameter_without_any_value_is_asked_for() -> None:
    """A missing value is said by name before anything is uploaded."""
    with pytest.raises(WrongUsageError, match="AlertEmail needs a value"):
        choose_parameters(DECLARED, {}, Absent("straywatch"))


def test_an_unknown_parameter_is_refused_with_those_that_exist() -> None:
    """A misspelt parameter is not silently dropped."""
    with pytest.raises(WrongUsageError, match=r"Grace \(there are: AlertEmail, GracePeriodSeconds"):
        choose_parameters(DECLARED, {"Grace": "1", "AlertEmail": "a@b.cd"}, Absent("x"))


def test_functions_take_their_code_from_the_bucket_and_nothing_else_changes() -> None:
    """Only the code's place is filled in; the packaged template itself stays as it was."""
    function = {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "./x", "Timeout": 3}}
    queue = {"Type": "AWS::SQS::Queue"}
    template = {"Resources": {"F": function, "Q": queue}, "Outputs": {"A": 1}}
    located = locate_code(template, "bucket", "hash.zip")
    assert located == {
        "Resources": {
            "F": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"CodeUri": "s3://bucket/hash.zip", "Timeout": 3},
            },
            "Q": queue,
        },
        "Outputs": {"A": 1},
    }
    assert function["Properties"] == {"CodeUri": "./x", "Timeout": 3}
