"""The evaluator's conditions and variables, example by example as AWS's User Guide has them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.remediation.evaluator import decided
from tests.unit.remediation.samples import document

BUCKET = "arn:aws:s3:::a"


def statement(**more: Any) -> dict[str, Any]:
    """Allow everything on everything, but for what is said."""
    return {"Effect": "Allow", "Action": "*", "Resource": "*", **more}


@pytest.mark.parametrize(
    ("condition", "context", "met"),
    [
        ({"StringEquals": {"aws:k": ["a", "b"]}}, {"AWS:K": "b"}, True),
        ({"StringEquals": {"aws:k": "a"}}, {}, False),
        ({"StringEqualsIfExists": {"aws:k": "a"}}, {}, True),
        ({"StringNotEquals": {"aws:k": ["a", "b"]}}, {"aws:k": "b"}, False),
        ({"StringNotEquals": {"aws:k": "a"}}, {}, True),
        ({"StringLike": {"aws:k": "a?c*"}}, {"aws:k": "abcd"}, True),
        ({"StringEquals": {"aws:k": "a*"}}, {"aws:k": "ab"}, False),
        ({"StringEquals": {"aws:k": "a"}, "Bool": {"aws:b": "true"}}, {"aws:k": "a"}, False),
        ({"Null": {"aws:k": "true"}}, {}, True),
        ({"Null": {"aws:k": "false"}}, {}, False),
        ({"IpAddress": {"aws:i": "10.0.0.0/8"}}, {"aws:i": "10.2.0.1"}, True),
        ({"NotIpAddress": {"aws:i": "10.0.0.0/8"}}, {"aws:i": "10.2.0.1"}, False),
        ({"NumericLessThan": {"aws:n": "60"}}, {"aws:n": "7"}, True),
        ({"DateGreaterThan": {"aws:t": "2026-06-01T00:00:00Z"}}, {"aws:t": "2026-05-01T00:00:00Z"},
         False),
        ({"ArnLike": {"aws:a": "arn:aws:iam::*:user/u"}}, {"aws:a": "arn:aws:iam::1:x:user/u"},
         False),
        ({"ForAllValues:StringEquals": {"aws:l": ["a", "b"]}}, {"aws:l": ["a", "c"]}, False),
        ({"ForAllValues:StringEquals": {"aws:l": ["a"]}}, {}, True),
        ({"ForAnyValue:StringEquals": {"aws:l": ["a", "b"]}}, {"aws:l": ["a", "c"]}, True),
        ({"ForAnyValue:StringEquals": {"aws:l": ["a"]}}, {}, False),
        ({"StringLike": {"aws:k": "${aws:username}*"}}, {"aws:k": "ann-1", "aws:username": "ann"},
         True),
    ],
)  # fmt: skip
def test_a_condition_is_met_or_not(
    condition: dict[str, Any], context: dict[str, Any], *, met: bool
) -> None:
    """Any value of a key will do, each key and each operator has to be met."""
    documents = [document(statement(Condition=condition))]
    assert decided(documents, "s3:GetObject", f"{BUCKET}/x", context) == met


@pytest.mark.parametrize(
    ("pattern", "resource", "context", "lies"),
    [
        (f"{BUCKET}/${{aws:username}}/*", f"{BUCKET}/ann/x", {"aws:username": "ann"}, True),
        (f"{BUCKET}/${{aws:username}}/*", f"{BUCKET}/bob/x", {"aws:username": "ann"}, False),
        (f"{BUCKET}/${{aws:t}}/*", f"{BUCKET}/bob/x", {"aws:t": "*"}, False),
        (f"{BUCKET}/${{aws:t}}/*", f"{BUCKET}//x", {}, False),
        (f"{BUCKET}/${{aws:t, 'none'}}/*", f"{BUCKET}/none/x", {}, True),
        (f"{BUCKET}/${{*}}", f"{BUCKET}/*", {}, True),
        (f"{BUCKET}/${{*}}", f"{BUCKET}/x", {}, False),
    ],
)
def test_a_variable_is_the_text_it_stands_for(
    pattern: str, resource: str, context: dict[str, Any], *, lies: bool
) -> None:
    """No wildcard comes out of a variable, and one without value matches nothing."""
    documents = [document(statement(Resource=pattern))]
    assert decided(documents, "s3:GetObject", resource, context) == lies


def test_a_variable_without_value_makes_no_all_but() -> None:
    """A statement whose NotResource AWS cannot resolve does not apply."""
    held: dict[str, Any] = {"Effect": "Allow", "Action": "*", "NotResource": f"{BUCKET}/${{aws:t}}"}
    assert not decided([document(held)], "s3:GetObject", f"{BUCKET}/x", {})
    assert decided([document(held)], "s3:GetObject", f"{BUCKET}/x", {"aws:t": "y"})


def test_the_boundary_has_to_allow_as_well() -> None:
    """And its denials count."""
    held, limit = [document(statement())], [document(statement(Action="s3:*"))]
    assert decided(held, "s3:GetObject", BUCKET, {}, limit)
    assert not decided(held, "sqs:SendMessage", BUCKET, {}, limit)
