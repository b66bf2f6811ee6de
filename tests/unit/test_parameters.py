"""Which parameters a deployment sets, and which values the template takes."""

from __future__ import annotations

import re

import pytest

from chalicelib.settings import LONGEST_GRACE_SECONDS
from straywatch.deploy.parameters import choose_parameters
from straywatch.deploy.stack import Absent, Stack
from straywatch.deploy.template import assemble
from straywatch.errors import WrongUsageError

TEMPLATE = assemble()["Parameters"]
COUNTS = sorted(name for name, each in TEMPLATE.items() if str(each["Default"]).isdigit())

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


@pytest.mark.parametrize(
    "value", ["900.5", "0.5", "-1", "1e3", "+1", " 1", "1\n", "", "\u0663", "01"]
)
@pytest.mark.parametrize("name", COUNTS)
def test_numbers_are_whole(name: str, value: str) -> None:
    """Every function refuses another number, so that the deployment would stand and do nothing."""
    with pytest.raises(WrongUsageError, match=rf"^{name}=.*: must be (a whole number|one of)"):
        choose_parameters(TEMPLATE, {name: value}, Absent("straywatch"))


def test_no_number_is_left_to_cloudformations_own_type() -> None:
    """It takes fractions, unless every value that it takes is listed."""
    free = [n for n, each in TEMPLATE.items() if each["Type"] == "Number"]
    assert [name for name in free if "AllowedValues" not in TEMPLATE[name]] == []


def test_every_grace_within_a_week_is_taken_and_no_longer_one() -> None:
    """The pattern says what a range cannot say of a text."""
    pattern = re.compile(TEMPLATE["GracePeriodSeconds"]["AllowedPattern"])
    taken = [n for n in range(LONGEST_GRACE_SECONDS + 400_000) if pattern.fullmatch(str(n))]
    assert taken == list(range(LONGEST_GRACE_SECONDS + 1))


def test_the_defaults_are_taken() -> None:
    """The template takes what it says itself."""
    defaults = {name: str(each["Default"]) for name, each in TEMPLATE.items()}
    assert len(choose_parameters(TEMPLATE, defaults, Absent("straywatch"))) == len(defaults)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AlertEmail", "nobody"),
        ("ChatEnabled", "true"),
        ("LogRetentionDays", "31"),
        ("PagerDutySeverities", "HIGH,WORST"),
    ],
)
def test_what_cloudformation_would_refuse_is_refused_first(name: str, value: str) -> None:
    """Before anything is uploaded, in one line that says what would do."""
    with pytest.raises(WrongUsageError, match=f"^{name}='{value}': must be "):
        choose_parameters(TEMPLATE, {name: value}, Absent("straywatch"))


def test_a_list_may_have_spaces() -> None:
    """As CloudFormation has it, which trims each member."""
    given = {"PagerDutySeverities": "HIGH, CRITICAL"}
    assert choose_parameters(TEMPLATE, given, Absent("straywatch")) == [
        {"ParameterKey": "PagerDutySeverities", "ParameterValue": "HIGH, CRITICAL"}
    ]
