"""Filter policies are judged as SNS judges them; what is not known is said, never guessed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.sns.utils import FilterPolicyMatcher

from straywatch.alert_path.filter_policy import UnknownRuleError, stopped_by

ALERT = {"type": "opened", "severity": "HIGH", "account_id": "123456789012", "audience": "all"}


@pytest.mark.parametrize(
    ("policy", "stopping"),
    [
        ({}, []),
        ({"type": ["opened", "resolved"]}, []),
        ({"type": ["resolved"]}, ["type"]),
        ({"type": ["resolved"], "severity": ["LOW"]}, ["type", "severity"]),
        ({"type": []}, ["type"]),
        ({"audience": [{"anything-but": "machines"}]}, []),
        ({"audience": [{"anything-but": ["all", "people"]}]}, ["audience"]),
        ({"type": [{"anything-but": {"prefix": "op"}}]}, ["type"]),
        ({"type": [{"prefix": "op"}]}, []),
        ({"type": [{"suffix": "x"}]}, ["type"]),
        ({"severity": [{"equals-ignore-case": "high"}]}, []),
        ({"type": [{"wildcard": "o*ed"}]}, []),
        ({"type": [{"wildcard": "o.*"}]}, ["type"]),
        ({"type": [{"exists": True}]}, []),
        ({"colour": [{"exists": False}]}, []),
        ({"colour": [{"exists": True}]}, ["colour"]),
        ({"colour": ["red", {"exists": False}]}, []),
        ({"account_id": [{"numeric": ["=", 123456789012]}]}, ["account_id"]),
        ({"account_id": [123456789012]}, ["account_id"]),
        ({"type": [{"cidr": "10.0.0.0/8"}]}, ["type"]),
        ({"$or": [{"type": ["x"]}, {"severity": ["HIGH"]}]}, []),
        ({"$or": [{"type": ["x"]}, {"severity": ["LOW"]}]}, ["severity or type"]),
        ({"$or": ["x"]}, ["$or"]),
    ],
)
def test_judges_as_sns_does(policy: dict[str, Any], stopping: list[str]) -> None:
    """Each documented operator, and what stops a message."""
    assert stopped_by(policy, ALERT) == stopping


def test_an_alarm_has_no_attributes() -> None:
    """SNS lets `exists: false` match only where there is some attribute: alarms have none."""
    assert stopped_by({"audience": [{"exists": False}]}, {}) == ["audience"]


@pytest.mark.parametrize(
    "policy",
    [
        {"type": [{"telepathy": "x"}]},
        {"type": [{"prefix": "o", "suffix": "d"}]},
        {"type": "opened"},
        {"type": ["opened", {"telepathy": "x"}]},
        {"type": [["opened"]]},
    ],
)
def test_says_what_it_does_not_know(policy: dict[str, Any]) -> None:
    """A rule of a later day is no reason to promise delivery, or to deny it."""
    with pytest.raises(UnknownRuleError):
        stopped_by(policy, ALERT)


TEXTS = st.sampled_from(["opened", "resolved", "HIGH", "LOW", "op", "ed", "OPENED", ""])
RULES = st.one_of(
    TEXTS,
    st.builds(lambda text: {"prefix": text}, TEXTS.filter(bool)),
    st.builds(lambda text: {"suffix": text}, TEXTS.filter(bool)),
    st.builds(lambda texts: {"anything-but": texts}, st.lists(TEXTS, min_size=1, max_size=3)),
    st.builds(lambda text: {"equals-ignore-case": text}, TEXTS.filter(bool)),
)
EXISTS = st.builds(lambda yes: [{"exists": yes}], st.booleans())  # alone: moto reads no mixture
POLICIES = st.dictionaries(
    st.sampled_from(["type", "severity", "colour"]),
    st.one_of(EXISTS, st.lists(RULES, min_size=1, max_size=3)),
    min_size=1,
    max_size=3,
)


@given(POLICIES)
def test_agrees_with_moto(policy: dict[str, Any]) -> None:
    """A second implementation, written by others, comes to the same result."""
    attributes = {name: {"Type": "String", "Value": value} for name, value in ALERT.items()}
    matcher = FilterPolicyMatcher(policy, "MessageAttributes")
    assert (stopped_by(policy, ALERT) == []) == bool(matcher.matches(attributes, ""))
