"""What all that is known of a user comes to: the one evaluation, for everybody who asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.account import NoSuchUser
from chalicelib.domain.exemptions import Exempt, NotExempt


class Evaluation(StrEnum):
    """The four things that a user can be. An error is none of them."""

    COMPLIANT = "COMPLIANT"
    NON_COMPLIANT = "NON_COMPLIANT"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    GONE = "GONE"


class UnknownGroupsError(Exception):
    """IAM named a user without saying which groups it is in: that is never "none"."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation and what it rests on.

    `exemption` is what makes the user NOT_APPLICABLE. `exemption_ended` and `note` are those of
    NotExempt: when the last exemption ended, and why a tag does not exempt.
    """

    evaluation: Evaluation
    groups: tuple[str, ...] = ()
    exemption: Exempt | None = None
    exemption_ended: datetime | None = None
    note: str = ""


def evaluate(
    user_name: str, groups: tuple[str, ...] | NoSuchUser | None, exemption: Exempt | NotExempt
) -> Evaluated:
    """Evaluate a user by its groups (None: not told) and whether it is exempt.

    Who is exempt is NOT_APPLICABLE, whatever groups it is in. Raises UnknownGroupsError.
    """
    if groups is None:
        raise UnknownGroupsError(f"IAM did not tell the groups of {user_name}")
    if isinstance(groups, NoSuchUser):
        return Evaluated(Evaluation.GONE)
    if isinstance(exemption, Exempt):
        return Evaluated(Evaluation.NOT_APPLICABLE, groups, exemption)
    evaluation = Evaluation.COMPLIANT if groups else Evaluation.NON_COMPLIANT
    return Evaluated(evaluation, groups, None, exemption.ended, exemption.note)
