"""The policy algebra against an independent evaluator that decides one request at a time."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from straywatch.remediation.policies.algebra import Policies, compare
from straywatch.remediation.policies.documents import compose, grants, readable_grants
from tests.unit.remediation.evaluator import allowed

ACTIONS = ("s3:Get", "s3:Got", "s3:Put", "iam:Get", "iam:Put", "x:y")
RESOURCES = ("arn:a", "arn:ab", "arn:b", "z")
PATTERNS = ("*", "s3:*", "s3:G?t", "s3:Get", "iam:*", "*:Put", "S3:put")
PLACES = ("*", "arn:*", "arn:a", "arn:a*", "arn:?", "z")
KEYS = ("aws:one", "aws:two")


def lists(values: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    """A non-empty list of some of the values."""
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    """A statement with any mix of elements."""
    statement: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"]))}
    statement[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(lists(PATTERNS))
    statement[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(lists(PLACES))
    if draw(st.integers(0, 3)) == 0:
        key = draw(st.sampled_from(KEYS))
        statement["Condition"] = {"Bool": {key: "true"}}
    return statement


DOCUMENTS = st.lists(statements(), max_size=3).map(
    lambda s: {"Version": "2012-10-17", "Statement": s}
)
BOUNDARIES = st.none() | DOCUMENTS
CONTEXTS = [
    frozenset(k for k, on in zip(KEYS, bits, strict=True) if on)
    for bits in product((0, 1), repeat=2)
]


def policies(document: dict[str, Any], boundary: dict[str, Any] | None) -> Policies:
    """What the algebra compares."""
    return Policies(grants(document), None if boundary is None else grants(boundary))


def decisions(document: dict[str, Any], boundary: dict[str, Any] | None) -> dict[object, bool]:
    """What the evaluator says of every request tried."""
    limit = None if boundary is None else [boundary]
    return {
        (a, r, c): allowed([document], a, r, c, limit)
        for a, r, c in product(ACTIONS, RESOURCES, CONTEXTS)
    }


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS, DOCUMENTS, BOUNDARIES, BOUNDARIES)
def test_what_is_called_the_same_is_the_same(
    one: dict[str, Any],
    other: dict[str, Any],
    limit: dict[str, Any] | None,
    new: dict[str, Any] | None,
) -> None:
    """No request that the evaluator decides differently is passed over, gains and losses apart."""
    before, after = decisions(one, limit), decisions(other, new)
    found = {d.change for d in compare(policies(one, limit), policies(other, new))}
    if any(before[key] and not after[key] for key in before):
        assert "loss" in found
    if any(after[key] and not before[key] for key in before):
        assert "gain" in found


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS, DOCUMENTS, BOUNDARIES, BOUNDARIES)
def test_what_is_called_proved_is_a_difference(
    one: dict[str, Any],
    other: dict[str, Any],
    limit: dict[str, Any] | None,
    new: dict[str, Any] | None,
) -> None:
    """The example given for a proved difference is decided differently in some context."""
    for difference in compare(policies(one, limit), policies(other, new)):
        if difference.proved:
            request = (difference.action, difference.resource)
            sides = [
                [allowed([d], *request, c, None if b is None else [b]) for c in CONTEXTS]
                for d, b in ((one, limit), (other, new))
            ]
            held, lacks = sides if difference.change == "loss" else reversed(sides)
            assert any(h and not m for h, m in zip(held, lacks, strict=True)), difference


@settings(max_examples=100, deadline=None)
@given(DOCUMENTS)
def test_taking_apart_and_writing_again_changes_nothing(document: dict[str, Any]) -> None:
    """The documents written from grants decide every request as the first one did."""
    parts = grants(document)
    written = compose(parts, {})
    assert frozenset().union(*(grants(d) for d in written)) == parts
    for action, resource, context in product(ACTIONS, RESOURCES, CONTEXTS):
        assert allowed(written, action, resource, context) == allowed(
            [document], action, resource, context
        )


def one(*found: dict[str, Any], version: str = "2012-10-17") -> Policies:
    """Policies of one document."""
    return Policies(grants({"Version": version, "Statement": list(found)}))


def allow(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    """An Allow statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str, resource: str = "*", **more: Any) -> dict[str, Any]:
    """A Deny statement."""
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def all_but_own(action: str) -> dict[str, Any]:
    """A statement on everything but what bears the user's name."""
    return {"Effect": "Allow", "Action": action, "NotResource": "a/${aws:username}"}


MFA: Any = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (one(allow("s3:*")), one(allow("S3:*"), allow("s3:Get*"))),
        (
            one(allow("*"), deny("iam:*")),
            one({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
        ),
        (one(allow("s3:*"), deny("iam:*")), one(allow("s3:*"))),
        (
            one(allow("s3:*", "a/*"), allow("s3:*", "a/${aws:username}/*")),
            one(allow("s3:*", "a/*")),
        ),
        (one(allow("s3:*", **MFA), allow("s3:*")), one(allow("s3:*"))),
        (one(allow("*")), one(allow("*:*"))),
        (one(all_but_own("*"), all_but_own("s3:*")), one(all_but_own("*"))),
    ],
)
def test_equal_in_effect_is_proved(before: Policies, after: Policies) -> None:
    """Different documents of one meaning compare as the same."""
    assert compare(before, after) == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (one(allow("s3:*", "a/${aws:username}")), one(allow("s3:*", "a/bob"))),
        (one(allow("s3:*", "a/bob")), one(allow("s3:*"), deny("s3:*", "a/${aws:username}"))),
        (
            one(allow("s3:*", "a/${aws:username}"), version="2008-10-17"),
            one(allow("s3:*", "a/${aws:username}")),
        ),
        (one(allow("s3:*", **MFA)), one(allow("s3:*"))),
        (one(allow("s3:*")), one(allow("s3:*"), deny("s3:*", **MFA))),
        (
            one(all_but_own("s3:*")),
            one(allow("s3:*")),
        ),
    ],
)
def test_what_cannot_be_proved_the_same_is_listed(before: Policies, after: Policies) -> None:
    """Variables and conditions that may differ are differences, whichever side comes first."""
    assert compare(before, after)
    assert compare(after, before)


def test_a_variable_meeting_a_boundary_is_not_taken_for_nothing() -> None:
    """A boundary on one home and a grant on everyone's own may meet: losing the grant is a loss."""
    limit = grants({"Version": "2012-10-17", "Statement": [allow("s3:*", "home/bob")]})
    before = Policies(one(allow("s3:*", "home/${aws:username}")).grants, limit)
    assert [d.change for d in compare(before, Policies(frozenset(), limit))] == ["loss"]


def test_an_unreadable_policy_is_never_nothing() -> None:
    """A document that cannot be understood equals itself alone."""
    odd = Policies(readable_grants({"Statement": [{"Effect": "Maybe"}]}))
    assert compare(odd, odd) == ()
    assert {d.change for d in compare(odd, Policies(frozenset()))} == {"loss", "gain"}
