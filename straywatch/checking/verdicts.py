"""Verdicts on single users, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from chalicelib.domain.account import Account
from chalicelib.domain.evaluation import Evaluation
from chalicelib.times import in_utc, iso, spoken, utc_now
from straywatch.checking.live import Verdict
from straywatch.terminal.tables import console, say


@dataclass(frozen=True, slots=True)
class Failed:
    """The look failed: that is no evaluation."""

    user_name: str
    error: str


def is_stray(each: Verdict | Failed) -> bool:
    """Whether the look found a stray."""
    return isinstance(each, Verdict) and each.evaluated.evaluation is Evaluation.NON_COMPLIANT


def print_verdict(each: Verdict | Failed, account: Account) -> None:
    """Print a verdict and its reasons; a failure goes to standard error."""
    if isinstance(each, Failed):
        click.echo(f"straywatch: {each.user_name}: {each.error}", err=True)
        return
    out = console()
    style = "bold red" if is_stray(each) else "bold green"
    say(out, f"{each.user_name}: {each.evaluated.evaluation}", style)
    for line in _reasons(each, account):
        say(out, f"  {line}")


def _reasons(each: Verdict, account: Account) -> list[str]:
    if each.user is None:
        return [f"account {account.account_id} has no user of this name or id"]
    groups, exemption = each.evaluated.groups, each.evaluated.exemption
    reasons = [f"in {', '.join(groups)}" if groups else f"in no group; {each.user.arn}"]
    if exemption:
        until = f", until {in_utc(exemption.until)}" if exemption.until else ", without end"
        reasons.append(f"exempt by {exemption.by}: {exemption.reason}{until}")
    if each.evaluated.note:
        reasons.append(each.evaluated.note)
    if each.since:
        length = spoken(max(0.0, (utc_now() - each.since.at).total_seconds()))
        since = in_utc(each.since.at)
        reasons.append(f"a stray since {since} ({length}; from {each.since.evidence})")
    if each.risk:
        reasons.append(f"risk {each.risk.severity.name}: {each.risk.reasons}")
    if each.open_finding:
        reasons.append(f"finding {each.open_finding} is open")
    return reasons


def as_object(each: Verdict | Failed) -> dict[str, Any]:
    """The verdict as JSON; a failed look has an error and no evaluation."""
    if isinstance(each, Failed):
        return {"user_name": each.user_name, "evaluation": None, "error": each.error}
    evaluated, since, risk = each.evaluated, each.since, each.risk
    exemption = evaluated.exemption
    return {
        "user_name": each.user_name,
        "evaluation": evaluated.evaluation,
        "error": None,
        "groups": list(evaluated.groups),
        "user_id": each.user.user_id if each.user else None,
        "user_arn": each.user.arn if each.user else None,
        "exemption": exemption
        and {
            "by": exemption.by,
            "reason": exemption.reason,
            "until": iso(exemption.until) if exemption.until else None,
        },
        "note": evaluated.note or None,
        "stray_since": iso(since.at) if since else None,
        "evidence": since.evidence if since else None,
        "severity": risk.severity.name if risk else None,
        "risk": risk.reasons if risk else None,
        "open_finding": each.open_finding or None,
    }
