"""The one evaluation of a user: each of the four, and the error that is none of them."""

from __future__ import annotations

import pytest

from chalicelib.domain.account import NoSuchUser
from chalicelib.domain.evaluation import Evaluated, Evaluation, UnknownGroupsError, evaluate
from chalicelib.domain.exemptions import Exempt, NotExempt
from tests.unit.records import NOW

EXEMPT = Exempt("tag", "a robot", None)
NOT_EXEMPT = NotExempt(ended=NOW, note="the tag has no reason")


@pytest.mark.parametrize("exemption", [EXEMPT, NOT_EXEMPT])
def test_groups_that_nobody_told_are_not_none(exemption: Exempt | NotExempt) -> None:
    """Whoever it is."""
    with pytest.raises(UnknownGroupsError):
        evaluate("bob", None, exemption)


@pytest.mark.parametrize("exemption", [EXEMPT, NOT_EXEMPT])
def test_who_is_nowhere_is_gone(exemption: Exempt | NotExempt) -> None:
    """Exempt or not."""
    assert evaluate("bob", NoSuchUser(), exemption) == Evaluated(Evaluation.GONE)


@pytest.mark.parametrize("groups", [(), ("nurses",)])
def test_the_others_are_what_groups_and_exemption_say(groups: tuple[str, ...]) -> None:
    """An exemption goes first; where there is none, what was of it is handed on."""
    exempt = Evaluated(Evaluation.NOT_APPLICABLE, groups, EXEMPT)
    assert evaluate("bob", groups, EXEMPT) == exempt
    what = Evaluation.COMPLIANT if groups else Evaluation.NON_COMPLIANT
    looked = Evaluated(what, groups, None, NOT_EXEMPT.ended, NOT_EXEMPT.note)
    assert evaluate("bob", groups, NOT_EXEMPT) == looked
